import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { Friend } from '../api/types';
import { aFriend, fakeApi } from '../testing';
import { texts } from '../texts';
import { Announcer } from './announcer.svelte';
import { FriendRequestForm, Friends } from './friends.svelte';

function friendsWith(api: Parameters<typeof fakeApi>[0], listing: Friend[] = []) {
  const announcer = new Announcer();
  const fake = fakeApi({ friends: async () => ({ friends: listing, blocked: [] }), ...api });
  const friends = new Friends(fake, announcer);
  return { friends, announcer, form: new FriendRequestForm(fake, friends, announcer) };
}

const names = (list: readonly Friend[]) => list.map((friend) => friend.name);

describe('friends', () => {
  it('sorts people by how one stands with them', async () => {
    const listing = [aFriend('carol'), aFriend('bob'), aFriend('eve', { state: 'incoming' }), aFriend('dan', { state: 'outgoing' })];
    const { friends } = friendsWith({}, listing);
    await friends.reload();
    expect([names(friends.incoming), names(friends.outgoing), names(friends.friends)]).toEqual([['eve'], ['dan'], ['bob', 'carol']]);
  });

  it('shows an accepted request as a friend at once, and keeps it though the listing lags', async () => {
    const asking = aFriend('eve', { state: 'incoming' });
    const { friends } = friendsWith({ accept: async () => aFriend('eve') }, [asking]);
    await friends.reload();
    await friends.accept(asking);
    expect(names(friends.friends)).toEqual(['eve']);
    await friends.reload();
    expect([names(friends.incoming), names(friends.friends)]).toEqual([[], ['eve']]);
  });

  it('has the listing asked for as soon as something is written', async () => {
    const written = vi.fn();
    const friends = new Friends(fakeApi({ accept: async () => aFriend('eve') }), new Announcer(), written);
    await friends.accept(aFriend('eve', { state: 'incoming' }));
    expect(written).toHaveBeenCalledOnce();
  });

  it('leaves a request where it is when accepting fails, and says why', async () => {
    const asking = aFriend('eve', { state: 'incoming' });
    const refuse = async () => Promise.reject(new ApiError('friend_unreachable', 'Not there.', 502));
    const { friends, announcer } = friendsWith({ accept: refuse }, [asking]);
    await friends.reload();
    await friends.accept(asking);
    expect(names(friends.incoming)).toEqual(['eve']);
    expect(announcer.notice).toMatchObject({ kind: 'problem', text: 'Not there.' });
    expect(friends.busy.size).toBe(0);
  });

  it.each([
    ['incoming', texts.friends.declined('eve')],
    ['outgoing', texts.friends.withdrawn('eve')],
    ['friends', texts.friends.unfriended('eve')],
  ] as const)('takes leave of one who is %s', async (state, sentence) => {
    const friend = aFriend('eve', { state });
    const { friends, announcer } = friendsWith({ removeFriend: async () => {} }, [friend]);
    await friends.reload();
    await friends.remove(friend);
    expect(friends.none).toBe(true);
    expect(announcer.notice?.text).toBe(sentence);
  });

  it('takes a blocked person off the list, and lists who is blocked', async () => {
    const friend = aFriend('eve');
    const block = vi.fn(async () => {});
    const { friends, announcer } = friendsWith({ block, unblock: async () => {} }, [friend]);
    await friends.reload();
    await friends.block(friend);
    expect(block).toHaveBeenCalledWith(friend.id);
    expect([friends.none, friends.blocked.map((one) => one.name)]).toEqual([true, ['eve']]);
    expect(announcer.notice?.text).toBe(texts.friends.blocked('eve'));
    await friends.reload();
    expect([friends.none, friends.blocked.length]).toEqual([true, 1]);
    await friends.unblock(friends.blocked[0]!);
    expect(friends.blocked).toEqual([]);
  });

  it('says so when an invitation made friends at once', async () => {
    const befriend = async () => ({ friend: aFriend('bob'), created: true });
    const { friends, form, announcer } = friendsWith({ befriend });
    form.address = 'https://bob.example/#invite=abc.def';
    await form.send();
    expect(names(friends.friends)).toEqual(['bob']);
    expect(announcer.notice?.text).toBe(texts.friends.connected('bob'));
  });

  it('shows a request that was just sent', async () => {
    const befriend = vi.fn(async () => ({ friend: aFriend('bob', { state: 'outgoing' }), created: true }));
    const { friends, form, announcer } = friendsWith({ befriend });
    form.address = ' bob.example ';
    form.greeting = ' Hi ';
    await form.send();
    expect(befriend).toHaveBeenCalledWith('bob.example', 'Hi');
    expect(names(friends.outgoing)).toEqual(['bob']);
    expect([form.address, form.greeting]).toEqual(['', '']);
    expect(announcer.notice?.text).toBe(texts.friends.sent('bob'));
  });

  it('keeps what was typed when the request fails, and says why', async () => {
    const { form } = friendsWith({ befriend: async () => Promise.reject(new ApiError('invalid', 'That is your own address.', 422)) });
    form.address = 'alice.example';
    await form.send();
    expect(form.problem).toBe('That is your own address.');
    expect(form.address).toBe('alice.example');
  });

  it('asks nobody about an empty address or an endless greeting', async () => {
    const befriend = vi.fn();
    const { form } = friendsWith({ befriend });
    await form.send();
    expect(form.problem).toBe(texts.friends.addressMissing);
    form.address = 'bob.example';
    form.greeting = 'x'.repeat(501);
    await form.send();
    expect(befriend).not.toHaveBeenCalled();
  });
});
