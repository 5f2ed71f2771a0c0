import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { NewPost, Post } from '../api/types';
import { memoryKeep } from '../keep';
import { aPost, deferred, fakeApi } from '../testing';
import { Composer } from './composer.svelte';
import { Outbox } from './outbox.svelte';

const offline = new ApiError('offline', 'No answer.', 0);

describe('outbox', () => {
  it('shows a post while it is on its way and lets go of it once confirmed', async () => {
    const answer = deferred<Post>();
    const confirmed = vi.fn();
    const outbox = new Outbox(fakeApi({ createPost: () => answer.promise }), memoryKeep(), confirmed);
    const sent = outbox.send({ text: 'Hello' });
    expect(outbox.unsent).toMatchObject([{ post: { text: 'Hello' }, state: 'sending' }]);
    answer.resolve(aPost(1));
    await sent;
    expect(outbox.unsent).toEqual([]);
    expect(confirmed).toHaveBeenCalledWith(aPost(1));
  });

  it('keeps a failed post visible and sends it again under the same key', async () => {
    const createPost = vi.fn().mockRejectedValueOnce(offline).mockResolvedValueOnce(aPost(1));
    const outbox = new Outbox(fakeApi({ createPost }), memoryKeep(), vi.fn());
    await outbox.send({ text: 'Hello' });
    expect(outbox.unsent).toMatchObject([{ state: 'failed', problem: 'No answer.' }]);
    await outbox.retry(outbox.unsent[0]?.key ?? '');
    expect(outbox.unsent).toEqual([]);
    expect(createPost.mock.calls[1]).toEqual(createPost.mock.calls[0]);
  });

  it('does not send twice what is being sent', async () => {
    const createPost = vi.fn(() => new Promise<Post>(() => {}));
    const outbox = new Outbox(fakeApi({ createPost }), memoryKeep(), vi.fn());
    void outbox.send({ text: 'Hello' });
    await outbox.retry(outbox.unsent[0]?.key ?? '');
    expect(createPost).toHaveBeenCalledOnce();
  });

  it('brings unsent posts back after a reload, under their keys', async () => {
    const keep = memoryKeep();
    const before = new Outbox(fakeApi({ createPost: async () => Promise.reject(offline) }), keep, vi.fn());
    await before.send({ text: 'Hello', warning: 'loud', audience: { to: 'friends', except: ['bob'] } });
    const after = new Outbox(fakeApi({}), keep, vi.fn());
    expect(after.unsent).toMatchObject([{ key: before.unsent[0]?.key, post: before.unsent[0]?.post, state: 'failed' }]);
    after.discard(after.unsent[0]?.key ?? '');
    expect(new Outbox(fakeApi({}), keep, vi.fn()).unsent).toEqual([]);
  });

  it.each(['', 'no json', '7', '{}', '[{"key":1}]', '[null]', '[{"key":"a","writtenMs":1,"post":{}}]'])('starts empty on kept rubbish %j', (rubbish) => {
    const keep = memoryKeep();
    keep.write('unsent', rubbish);
    expect(new Outbox(fakeApi({}), keep, vi.fn()).unsent).toEqual([]);
  });
});

describe('composer', () => {
  function composerWith(keep = memoryKeep()) {
    const createPost = vi.fn(async (_post: NewPost, _key: string) => aPost(1));
    const outbox = new Outbox(fakeApi({ createPost }), keep, vi.fn());
    return { composer: new Composer(outbox, keep), createPost };
  }

  it('brings the draft back after a reload', () => {
    const keep = memoryKeep();
    composerWith(keep).composer.text = 'Half a tho';
    expect(composerWith(keep).composer.text).toBe('Half a tho');
  });

  it('posts what was written, without the blanks around it, and starts a new draft', () => {
    const { composer, createPost } = composerWith();
    composer.text = '  Hello\nyou  ';
    expect(composer.post()).toBe(true);
    expect(createPost.mock.calls[0]?.[0]).toEqual({ text: 'Hello\nyou' });
    expect(composer.text).toBe('');
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n '],
    ['too much', 'x'.repeat(5001)],
  ])('refuses %s', (_, text) => {
    const { composer, createPost } = composerWith();
    composer.text = text;
    expect(composer.post()).toBe(false);
    expect(composer.text).toBe(text);
    expect(createPost).not.toHaveBeenCalled();
  });

  it('counts what people see as one character as the server counts it', () => {
    const { composer } = composerWith();
    composer.text = '👍'.repeat(5000);
    expect(composer.ready).toBe(true);
    composer.text += '!';
    expect(composer.draft.over).toBe(1);
  });
});
