import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Comment, ThreadGist, ThreadPage } from '../api/types';
import { aComment, aPost, deferred, fakeApi } from '../testing';
import { ASK_EVERY_MS, PostThread, PostThreads } from './post-thread.svelte';

const offline = new ApiError('offline', 'No answer.', 0);

function aPage(comments: Comment[], rest: Partial<ThreadPage> = {}): ThreadPage {
  const poster = { id: 'bob', name: 'Bob' };
  return { post: 'post-1', poster, comments, reactions: [], next: null, asked_ms: null, problem: null, can_comment: true, ...rest };
}

const gist = (comments: number, latest: Comment | null = null): ThreadGist => ({ comments, reactions: [], latest });

function threadOver(methods: Partial<Api>, post = aPost(1)) {
  const [problem, expects, visible] = [vi.fn(), vi.fn(), vi.fn(() => true)];
  return { thread: new PostThread(fakeApi(methods), { problem }, post, expects, visible), problem, expects, visible };
}

/** A thread that was opened and has these comments. */
async function opened(methods: Partial<Api>, comments: Comment[], post = aPost(1)) {
  const made = threadOver({ thread: async () => aPage(comments), ...methods }, post);
  made.thread.open = true;
  await made.thread.reload();
  return made;
}

const ids = (thread: PostThread) => thread.comments.map(({ id }) => id);

describe('what is said under a post', () => {
  it('is told in short until it is opened', async () => {
    const { thread } = threadOver({}, aPost(1, { thread: { ...gist(3, aComment(3)), reactions: [{ emoji: '👍', count: 2, mine: false }] } }));
    expect([thread.count, thread.latest?.id, thread.reactions.shown.length]).toEqual([3, 'c3', 1]);
    const empty = threadOver({}).thread;
    expect([empty.count, empty.latest]).toEqual([0, null]);
  });

  it('stands as one level of answers', async () => {
    const to = (number: number, author = 'bob') => ({ parent: { id: `c${number}`, author } });
    const comments = [aComment(1), aComment(2, to(1)), aComment(3, to(2)), aComment(4, to(9)), aComment(5, to(1, 'carol')), aComment(6, to(7)), aComment(7, to(6))];
    const { thread } = await opened({}, comments);
    expect(thread.branches.map(({ comment, replies }) => [comment.id, ...replies.map(({ id }) => id)])).toEqual([['c1', 'c2', 'c3'], ['c4'], ['c5'], ['c6'], ['c7']]);
  });

  it('shows a comment while it is on its way, and until the listing has it', async () => {
    const answer = deferred<Comment>();
    const { thread, expects } = await opened({ comment: () => answer.promise }, [aComment(1)]);
    thread.replyTo = aComment(1);
    thread.draft = '  Indeed. ';
    const sent = thread.send();
    expect(thread.branches[0]?.unsent).toMatchObject([{ text: 'Indeed.', state: 'sending', parent: { id: 'c1', author: 'bob' } }]);
    expect([thread.draft, thread.replyTo, thread.unsentRoots.length]).toEqual(['', null, 0]);
    answer.resolve(aComment(2, { mine: true, state: 'waiting', author: { id: 'alice', name: 'Alice', friend_of: null } }));
    await sent;
    await thread.reload();
    expect(ids(thread)).toEqual(['c1', 'c2']);
    expect([thread.count, thread.unsent.length]).toEqual([2, 0]);
    expect(expects).toHaveBeenCalled();
  });

  it('keeps a failed comment visible and sends it again under the same key', async () => {
    const comment = vi.fn().mockRejectedValueOnce(offline).mockRejectedValueOnce(offline).mockResolvedValueOnce(aComment(1, { mine: true }));
    const { thread } = await opened({ comment }, []);
    thread.draft = 'Hello';
    await thread.send();
    expect(thread.unsentRoots).toMatchObject([{ state: 'failed', problem: 'No answer.' }]);
    await thread.resend(thread.unsent[0]?.key ?? '');
    await thread.resend(thread.unsent[0]?.key ?? '');
    expect(thread.unsent).toEqual([]);
    expect(comment.mock.calls[2]).toEqual(comment.mock.calls[0]);
    comment.mockRejectedValueOnce(offline);
    thread.draft = 'Again';
    await thread.send();
    thread.discard(thread.unsent[0]?.key ?? '');
    expect(thread.unsent).toEqual([]);
  });

  it('sends nothing that is empty, too long, or under the post of somebody who is no friend', async () => {
    const comment = vi.fn();
    const { thread } = threadOver({ comment, thread: async () => aPage([], { can_comment: false }) });
    for (const draft of ['', '  ', 'x'.repeat(2001)]) {
      thread.draft = draft;
      await thread.send();
    }
    thread.draft = 'Hello';
    await thread.reload();
    await thread.send();
    expect(comment).not.toHaveBeenCalled();
  });

  it('shows what was edited, withdrawn or hidden before a lagging listing does', async () => {
    const mine = { mine: true };
    const comments = [aComment(1, mine), aComment(2, mine), aComment(3)];
    const editComment = vi.fn(async () => aComment(1, { ...mine, edited_ms: 9, body: { type: 'text/v1', text: 'Better' } }));
    const hideComment = vi.fn(async () => {});
    const { thread } = await opened({ editComment, withdrawComment: async () => {}, hideComment }, comments, aPost(1, { mine: true }));
    expect(await thread.edit(comments[0] as Comment, 'Better')).toBe(true);
    await thread.withdraw(comments[1] as Comment);
    await thread.hide(comments[2] as Comment, true);
    await thread.reload();
    expect(thread.comments.map(({ body, hidden }) => [body.text, hidden])).toEqual([
      ['Better', false],
      ['Comment 3', true],
    ]);
    expect(hideComment).toHaveBeenCalledExactlyOnceWith({ author: 'bob', post: 'post-1' }, { author: 'bob', id: 'c3' }, true);
  });

  it('says so when something could not be done', async () => {
    const { thread, problem } = await opened({ editComment: async () => Promise.reject(offline) }, [aComment(1, { mine: true })]);
    expect(await thread.edit(aComment(1), 'Better')).toBe(false);
    expect(problem).toHaveBeenCalledExactlyOnceWith('No answer.');
    expect(thread.comments[0]?.body.text).toBe('Comment 1');
  });

  it('comes in pages, and as much of it is read again as was loaded', async () => {
    const pages: Record<string, ThreadPage> = { '': aPage([aComment(1), aComment(2)], { next: 'n2' }), n2: aPage([aComment(3)]) };
    const ask = vi.fn(async (_place: unknown, _limit: number, after = '') => pages[after] as ThreadPage);
    const { thread } = await opened({ thread: ask }, []);
    expect([ids(thread), thread.hasMore]).toEqual([['c1', 'c2'], true]);
    await thread.loadMore();
    expect([ids(thread), thread.hasMore]).toEqual([['c1', 'c2', 'c3'], false]);
    await thread.reload();
    expect([ids(thread), thread.hasMore]).toEqual([['c1', 'c2', 'c3'], false]);
  });

  it('never goes back to an answer that was overtaken', async () => {
    const slow = deferred<ThreadPage>();
    const ask = vi.fn().mockReturnValueOnce(slow.promise).mockResolvedValueOnce(aPage([aComment(1)]));
    const { thread } = threadOver({ thread: ask });
    const first = thread.reload();
    await thread.reload();
    slow.resolve(aPage([]));
    await first;
    expect(ids(thread)).toEqual(['c1']);
  });

  it('counts what was loaded until the feed tells something else', async () => {
    const { thread } = await opened({}, [aComment(1), aComment(2)], aPost(1, { thread: gist(1) }));
    thread.open = false;
    expect([thread.count, thread.latest?.id]).toEqual([2, 'c2']);
    thread.listed(gist(1));
    expect(thread.count).toBe(2);
    thread.listed(gist(3, aComment(3)));
    expect([thread.count, thread.latest?.id]).toEqual([3, 'c3']);
  });
});

describe('while a thread is open', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('what is stored is shown first, then the poster’s deployment is asked, at most every 30 s and less often if nothing comes', async () => {
    const refreshThread = vi.fn(async () => aPage([aComment(1)], { problem: 'nobody there' }));
    const { thread, visible } = threadOver({ thread: async () => aPage([aComment(1)]), refreshThread });
    const leave = thread.watch();
    await vi.advanceTimersByTimeAsync(0);
    expect([ids(thread), thread.unreached, refreshThread.mock.calls.length]).toEqual([['c1'], 'nobody there', 1]);
    await vi.advanceTimersByTimeAsync(2 * ASK_EVERY_MS - 1);
    expect(refreshThread).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(refreshThread).toHaveBeenCalledTimes(2);
    visible.mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(refreshThread).toHaveBeenCalledTimes(2);
    visible.mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(ASK_EVERY_MS);
    expect(refreshThread).toHaveBeenCalledTimes(3);
    leave();
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(refreshThread).toHaveBeenCalledTimes(3);
  });

  it('news in the feed has the poster’s deployment asked again as soon as it may be', async () => {
    const refreshThread = vi.fn(async () => aPage([]));
    const { thread } = threadOver({ thread: async () => aPage([]), refreshThread });
    const leave = thread.watch();
    await vi.advanceTimersByTimeAsync(5_000);
    thread.listed(gist(1));
    await vi.advanceTimersByTimeAsync(ASK_EVERY_MS - 5_001);
    expect(refreshThread).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(refreshThread).toHaveBeenCalledTimes(2);
    leave();
  });

  it('nobody is asked about one’s own posts', async () => {
    const ask = vi.fn(async () => aPage([]));
    const { thread } = threadOver({ thread: ask }, aPost(1, { mine: true }));
    const leave = thread.watch();
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    expect(ask.mock.calls.length).toBeGreaterThan(1);
    leave();
  });

  it('a comment on its way is looked after until it has arrived', async () => {
    const waiting = aComment(1, { mine: true, state: 'waiting' });
    const ask = vi.fn().mockResolvedValueOnce(aPage([waiting]));
    ask.mockResolvedValue(aPage([{ ...waiting, state: 'delivered' }]));
    const { thread } = threadOver({ thread: ask, refreshThread: async () => aPage([waiting]) });
    const leave = thread.watch();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(thread.comments[0]?.state).toBe('delivered');
    leave();
  });
});

describe('the threads of the feed', () => {
  it('keep what was begun, hear what the feed tells, and follow changes only where somebody looks', async () => {
    const thread = vi.fn(async () => aPage([]));
    const threads = new PostThreads(fakeApi({ thread, refreshThread: async () => aPage([]) }), { problem: vi.fn() }, vi.fn(), () => true);
    threads.of(aPost(1)).draft = 'half a sentence';
    expect(threads.of(aPost(1)).draft).toBe('half a sentence');
    threads.listed([aPost(1, { thread: gist(2) }), aPost(2)]);
    expect(threads.of(aPost(1)).count).toBe(2);
    await threads.follow();
    expect(thread).not.toHaveBeenCalled();
    const leave = threads.of(aPost(1)).watch();
    await threads.follow();
    expect(thread).toHaveBeenCalledTimes(2);
    leave();
  });
});
