import { describe, expect, it } from 'vitest';
import { fakeApi } from '../testing';
import { Announcer } from './announcer.svelte';
import { Discretion } from './discretion.svelte';

describe('discretion', () => {
  it('shows what is chosen, and what was chosen before when a choice fails', async () => {
    let fails = false;
    const chosen = { read_marks: true, keep_my_copy: false };
    const choose = async (choice: object) => {
      if (fails) throw new Error('no');
      return Object.assign(chosen, choice) as never;
    };
    const discretion = new Discretion(fakeApi({ settings: async () => chosen as never, choose }), new Announcer());
    await discretion.open();
    expect([discretion.loaded, discretion.readMarks, discretion.keepMyCopy]).toEqual([true, true, false]);
    await discretion.choose({ read_marks: false });
    await discretion.choose({ keep_my_copy: true });
    expect([discretion.readMarks, discretion.keepMyCopy]).toEqual([false, true]);
    fails = true;
    await discretion.choose({ read_marks: true });
    expect([discretion.readMarks, discretion.keepMyCopy]).toEqual([false, true]);
  });
});
