import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { ConversationPage, Message } from '../api/types';
import { deferred, fakeApi } from '../testing';
import { Conversations, Thread } from './conversations.svelte';

const offline = new ApiError('offline', 'No answer.', 0);
const bob = { id: 'bob', name: 'Bob' };

function aMessage(number: number, rest: Partial<Message> = {}): Message {
  return { id: `m${number}`, mine: false, created_ms: number, edited_ms: null, body: { type: 'text/v1', text: `Message ${number}` }, state: null, ...rest };
}

function aPage(messages: Message[], rest: Partial<ConversationPage> = {}): ConversationPage {
  return { messages, next: null, friend: bob, can_write: true, unread: 0, owed: null, clearing: null, ...rest };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('a thread', () => {
  it('notes what came as read once it is on the screen', async () => {
    const readConversation = vi.fn(async () => {});
    const page = aPage([aMessage(3, { mine: true, state: 'delivered' }), aMessage(2), aMessage(1)], { unread: 2 });
    const thread = new Thread(fakeApi({ conversation: async () => page, readConversation }), bob, vi.fn());
    await thread.reload();
    expect(readConversation).toHaveBeenCalledExactlyOnceWith('bob', 'm2');
    expect(thread.messages.map(({ id }) => id)).toEqual(['m3', 'm2', 'm1']);
  });

  it('shows a message while it is on its way, and until the listing has it', async () => {
    const answer = deferred<Message>();
    const expects = vi.fn();
    const thread = new Thread(fakeApi({ sendMessage: () => answer.promise, conversation: async () => aPage([]) }), bob, expects);
    thread.draft = '  Hello ';
    const sent = thread.send();
    expect(thread.unsent).toMatchObject([{ text: 'Hello', state: 'sending' }]);
    expect(thread.draft).toBe('');
    answer.resolve(aMessage(1, { mine: true, state: 'waiting' }));
    await sent;
    expect(thread.unsent).toEqual([]);
    await thread.reload();
    expect(thread.messages.map(({ id }) => id)).toEqual(['m1']);
    expect(expects).toHaveBeenCalled();
  });

  it('keeps a failed message visible and sends it again under the same key', async () => {
    const sendMessage = vi.fn().mockRejectedValueOnce(offline).mockResolvedValueOnce(aMessage(1, { mine: true }));
    const thread = new Thread(fakeApi({ sendMessage }), bob, vi.fn());
    thread.draft = 'Hello';
    await thread.send();
    expect(thread.unsent).toMatchObject([{ state: 'failed', problem: 'No answer.' }]);
    await thread.resend(thread.unsent[0]?.key ?? '');
    expect(thread.unsent).toEqual([]);
    expect(sendMessage.mock.calls[1]).toEqual(sendMessage.mock.calls[0]);
  });

  it('sends nothing that is empty, too long, or to somebody who is no friend', async () => {
    const sendMessage = vi.fn();
    const conversation = async () => aPage([], { can_write: false });
    const thread = new Thread(fakeApi({ sendMessage, conversation }), bob, vi.fn());
    for (const draft of ['', '  ', 'x'.repeat(5001)]) {
      thread.draft = draft;
      await thread.send();
    }
    thread.draft = 'Hello';
    await thread.reload();
    await thread.send();
    expect(sendMessage).not.toHaveBeenCalled();
  });

  it('shows what was edited, withdrawn or cleared before a lagging listing does', async () => {
    const messages = [aMessage(2, { mine: true }), aMessage(1, { mine: true })];
    const editMessage = vi.fn(async () => aMessage(1, { mine: true, edited_ms: 9, body: { type: 'text/v1', text: 'Better' } }));
    const methods = { conversation: async () => aPage(messages), editMessage, withdrawMessage: async () => {}, clearConversation: async () => {} };
    const thread = new Thread(fakeApi(methods), bob, vi.fn());
    await thread.reload();
    await thread.edit(messages[1] as Message, 'Better');
    await thread.withdraw(messages[0] as Message);
    await thread.reload();
    expect(thread.messages.map(({ body }) => body?.text ?? null)).toEqual([null, 'Better']);
    await thread.clear('me');
    await thread.reload();
    expect(thread.messages).toEqual([]);
  });

  it('has the friend told again when that is wanted', async () => {
    const owed = { since_ms: 0, state: 'waiting', attempts: 1, next_ms: 9, problem: 'nobody there' } as const;
    const conversation = vi.fn().mockResolvedValueOnce(aPage([aMessage(1, { mine: true, state: 'waiting' })], { owed }));
    conversation.mockResolvedValueOnce(aPage([aMessage(1, { mine: true, state: 'delivered' })]));
    const retryConversation = vi.fn();
    const thread = new Thread(fakeApi({ conversation, retryConversation }), bob, vi.fn());
    await thread.reload();
    expect(thread.undelivered).toBe('nobody there');
    await thread.retry();
    expect(retryConversation).toHaveBeenCalledExactlyOnceWith('bob');
    expect([thread.undelivered, thread.messages[0]?.state]).toEqual(['', 'delivered']);
  });
});

describe('conversations', () => {
  it('are asked for only while somebody looks, and keep what was not sent', async () => {
    const conversations = vi.fn(async () => ({ conversations: [{ friend: bob, can_write: true, unread: 1, last: null }], next: null }));
    const all = new Conversations(fakeApi({ conversations, conversation: async () => aPage([]) }), vi.fn());
    await all.follow();
    expect(conversations).not.toHaveBeenCalled();
    const leave = all.open();
    await settled();
    expect(all.list.map(({ friend }) => friend.name)).toEqual(['Bob']);
    all.show(bob);
    if (all.thread !== null) all.thread.draft = 'half a sentence';
    all.leave();
    all.show(bob);
    expect(all.thread?.draft).toBe('half a sentence');
    leave();
    conversations.mockClear();
    await all.follow();
    expect(conversations).not.toHaveBeenCalled();
  });
});
