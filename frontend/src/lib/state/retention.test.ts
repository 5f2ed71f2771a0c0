import { describe, expect, it } from 'vitest';
import { fakeApi } from '../testing';
import { Announcer } from './announcer.svelte';
import { Retention } from './retention.svelte';

const kept = { who_may_ask: 'anyone', feed_posts: 5_000, feed_days: 90 };

describe('Retention', () => {
  it('shows what is chosen, and what was chosen before when a choice fails', async () => {
    let fails = false;
    const choose = async (choice: object) => {
      if (fails) throw new Error('no');
      return { ...kept, ...choice } as never;
    };
    const retention = new Retention(fakeApi({ settings: async () => kept as never, choose }), new Announcer());
    await retention.open();
    expect([retention.loaded, retention.posts, retention.days]).toEqual([true, 5_000, 90]);
    await retention.choose({ feed_posts: 1_000 });
    expect([retention.posts, retention.days]).toEqual([1_000, 90]);
    fails = true;
    await retention.choose({ feed_days: 0 });
    expect([retention.posts, retention.days]).toEqual([1_000, 90]);
    expect(retention.problem).not.toBe('');
  });
});
