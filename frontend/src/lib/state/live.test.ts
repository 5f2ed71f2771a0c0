import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChangesAnswer } from '../api/client';
import { ApiError } from '../api/errors';
import type { Changes, RefreshReport } from '../api/types';
import { fakeApi } from '../testing';
import { Live } from './live.svelte';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A server whose state a test sets, and a tab that watches it. */
function watching() {
  const server = { feed: 'f1', friends: 'r1', profile: 'p1', conversations: 'c1', unread_conversations: 0, notifications: 'n1', unread: 0, dirty: 0, next_due_ms: null as number | null, down: false, aheadMs: 0 };
  const quiet: RefreshReport = { pulled: [], delivered: 0, waiting: 0, next_due_ms: null, rest_ms: 0, held_back: null };
  const tab = { visible: true };
  const reload = { feed: vi.fn(async () => {}), friends: vi.fn(async () => {}), profile: vi.fn(async () => {}), conversations: vi.fn(async () => {}), notifications: vi.fn(async () => {}) };
  const changes = vi.fn(async (tag: string | null): Promise<ChangesAnswer> => {
    if (server.down) throw new ApiError('offline', 'No answer.', 0);
    const { down: _, aheadMs, ...now } = server;
    const current = JSON.stringify(now);
    return tag === current ? { changed: false } : { changed: true, tag: current, changes: now satisfies Changes, serverMs: Date.now() + aheadMs };
  });
  const refresh = vi.fn(async (_scope: 'all' | 'due') => quiet);
  const live = new Live(fakeApi({ changes, refresh }), reload, () => tab.visible);
  return { server, tab, reload, changes, refresh, live, quiet };
}

/** How many polls a stretch of time brings. */
async function pollsWithin(ms: number, changes: ReturnType<typeof watching>['changes']): Promise<number> {
  changes.mockClear();
  await vi.advanceTimersByTimeAsync(ms);
  return changes.mock.calls.length;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('live', () => {
  it('loads everything at the start and only what changed afterwards', async () => {
    const { live, server, reload } = watching();
    await live.start();
    expect([reload.feed, reload.friends, reload.profile].map((load) => load.mock.calls.length)).toEqual([1, 1, 1]);
    server.feed = 'f2';
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect([reload.feed, reload.friends, reload.profile].map((load) => load.mock.calls.length)).toEqual([2, 1, 1]);
    live.stop();
  });

  it('asks every 4 s at first, slower when idle, and at once when the owner returns', async () => {
    const { live, changes } = watching();
    await live.start();
    expect(await pollsWithin(MINUTE, changes)).toBe(15);
    expect(await pollsWithin(2 * MINUTE, changes)).toBeLessThanOrEqual(13);
    expect(await pollsWithin(MINUTE, changes)).toBeLessThanOrEqual(4);
    await vi.advanceTimersByTimeAsync(8 * MINUTE);
    expect(await pollsWithin(10 * MINUTE, changes)).toBeLessThanOrEqual(10);
    await vi.advanceTimersByTimeAsync(30 * SECOND);
    changes.mockClear();
    live.active();
    expect(changes).toHaveBeenCalledOnce();
    expect(await pollsWithin(MINUTE, changes)).toBe(15);
    live.stop();
  });

  it('asks every 20 s once nobody waits for anything, and often again after something was written', async () => {
    const { live, changes } = watching();
    await live.start();
    for (let at = 0; at < 4; at += 1) {
      await vi.advanceTimersByTimeAsync(MINUTE);
      live.active();
    }
    expect(await pollsWithin(MINUTE, changes)).toBe(3);
    live.expect();
    expect(await pollsWithin(MINUTE, changes)).toBe(15);
    live.stop();
  });

  it('is silent while hidden and asks at once when shown again', async () => {
    const { live, changes, tab } = watching();
    await live.start();
    tab.visible = false;
    live.wake();
    expect(await pollsWithin(60 * MINUTE, changes)).toBe(0);
    tab.visible = true;
    live.wake();
    expect(changes).toHaveBeenCalledOnce();
    live.stop();
  });

  it('is silent after it was stopped', async () => {
    const { live, changes } = watching();
    await live.start();
    live.stop();
    expect(await pollsWithin(60 * MINUTE, changes)).toBe(0);
  });

  it('has friends asked when they have news, and shows what came', async () => {
    const { live, server, reload, refresh, quiet } = watching();
    await live.start();
    Object.assign(server, { dirty: 1, next_due_ms: Date.now() });
    refresh.mockImplementationOnce(async () => {
      Object.assign(server, { dirty: 0, next_due_ms: null, feed: 'f2' });
      return { ...quiet, pulled: [{ friend: 'bob', name: 'Bob', changed: 1, problem: null }] };
    });
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect(refresh).toHaveBeenCalledExactlyOnceWith('due');
    expect(reload.feed).toHaveBeenCalledTimes(2);
    live.stop();
  });

  it('has work done when its time has come, not before', async () => {
    const { live, server, refresh } = watching();
    server.next_due_ms = Date.now() + 30 * SECOND;
    await live.start();
    await vi.advanceTimersByTimeAsync(28 * SECOND);
    expect(refresh).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect(refresh).toHaveBeenCalledExactlyOnceWith('due');
    live.stop();
  });

  it('goes by the clock of the server', async () => {
    const { live, server, refresh } = watching();
    server.aheadMs = -60 * MINUTE;
    server.next_due_ms = Date.now() - 30 * MINUTE;
    await live.start();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(refresh).not.toHaveBeenCalled();
    live.stop();
  });

  it('does not hammer a friend who stays away', async () => {
    const { live, server, refresh } = watching();
    Object.assign(server, { dirty: 1, next_due_ms: Date.now() });
    await live.start();
    for (let minute = 0; minute < 60; minute += 1) {
      live.active();
      await vi.advanceTimersByTimeAsync(MINUTE);
    }
    expect(refresh.mock.calls.length).toBeLessThan(25);
    refresh.mockClear();
    server.dirty = 2;
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    expect(refresh).toHaveBeenCalledOnce();
    live.stop();
  });

  it('leaves a stale store the time to show what was done, whatever it says meanwhile', async () => {
    const { live, server, refresh, quiet } = watching();
    Object.assign(server, { dirty: 1, next_due_ms: Date.now() });
    refresh.mockImplementation(async () => {
      server.dirty += 1;
      return { ...quiet, delivered: 1, rest_ms: 76 * SECOND };
    });
    await live.start();
    expect(refresh).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(75 * SECOND);
    expect(refresh).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(6 * SECOND);
    expect(refresh).toHaveBeenCalledTimes(2);
    live.stop();
  });

  it('says when the deployment does not answer, backs off, and recovers by itself', async () => {
    const { live, server, changes, reload } = watching();
    await live.start();
    server.down = true;
    await vi.advanceTimersByTimeAsync(4 * SECOND);
    expect(live.online).toBe(false);
    await vi.advanceTimersByTimeAsync(MINUTE);
    live.active();
    expect(await pollsWithin(2 * MINUTE, changes)).toBeLessThan(6);
    server.down = false;
    server.feed = 'f2';
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(live.online).toBe(true);
    expect(reload.feed).toHaveBeenCalledTimes(2);
    live.stop();
  });

  it('tries again what could not be loaded, though the tag is known', async () => {
    const { live, reload } = watching();
    reload.feed.mockRejectedValueOnce(new ApiError('internal', '', 500));
    await live.start();
    expect(reload.feed).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(8 * SECOND);
    expect(reload.feed).toHaveBeenCalledTimes(2);
    expect(reload.friends).toHaveBeenCalledTimes(1);
    live.stop();
  });

  it('asks all friends when the owner wants it and shows what came', async () => {
    const { live, server, refresh, reload, quiet } = watching();
    await live.start();
    refresh.mockImplementationOnce(async () => {
      server.feed = 'f2';
      return quiet;
    });
    const asking = live.refreshNow();
    expect(live.refreshing).toBe(true);
    await asking;
    expect(live.refreshing).toBe(false);
    expect(refresh).toHaveBeenCalledExactlyOnceWith('all');
    expect(reload.feed).toHaveBeenCalledTimes(2);
    live.stop();
  });
});
