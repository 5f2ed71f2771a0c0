import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Conversation, ConversationPage, Message } from '../api/types';
import { characters, limits } from '../limits';
import { uuidv7 } from '../uuidv7';
import { Acknowledged } from './acknowledged';
import { mergeNewest } from './merge-newest';

/** Conversations, and messages, in one page. */
export const PAGE = 30;
/** The most that the server gives at once. */
const MOST = 100;

/** A message on its way: shown at once, confirmed later. */
export interface UnsentMessage {
  /** Names this message to the server: however often it is sent, it is created once. */
  readonly key: string;
  readonly text: string;
  readonly state: 'sending' | 'failed';
  /** Why it failed. */
  readonly problem: string;
}

/** Whom a conversation is with. */
export interface Partner {
  readonly id: string;
  readonly name: string;
}

/** One conversation, newest message first. */
export class Thread {
  #listing = $state.raw<readonly Message[]>([]);
  #next: string | null = $state(null);
  #acknowledgements = $state(0);
  readonly #acknowledged: Acknowledged<Message>;

  unsent = $state.raw<readonly UnsentMessage[]>([]);
  draft = $state('');
  canWrite = $state(true);
  /** What went wrong when the friend was told last; '' if nothing did. */
  undelivered = $state('');
  /** Whether the friend kept their copy when it was cleared for both; null if that is not known. */
  clearing: ConversationPage['clearing'] = $state.raw(null);
  loaded = $state(false);
  loadingMore = $state(false);
  problem = $state('');

  readonly messages: readonly Message[] = $derived.by(() => {
    void this.#acknowledgements;
    return this.#acknowledged.over(this.#listing);
  });
  /** Characters of the draft as they will be sent. */
  readonly used = $derived(characters(this.draft.trim()));
  readonly over = $derived(Math.max(0, this.used - limits.messageLength));
  readonly ready = $derived(this.canWrite && this.used > 0 && this.over === 0);

  constructor(
    private readonly api: Api,
    readonly partner: Partner,
    /** Something was written, so something may come of it soon. */
    private readonly expect: () => void,
    now: () => number = Date.now,
  ) {
    this.#acknowledged = new Acknowledged(now, (listed, before) => listed.edited_ms !== before.edited_ms || listed.body == null);
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Reads the newest part again, and notes that what came was read. */
  async reload(): Promise<void> {
    const limit = Math.min(MOST, Math.max(PAGE, this.#listing.length));
    await this.#try(async () => {
      const page = await this.api.conversation(this.partner.id, limit);
      this.#take(page);
      const newest = page.messages.find((message) => !message.mine);
      if (page.unread > 0 && newest !== undefined) await this.api.readConversation(this.partner.id, newest.id);
    });
  }

  async loadMore(): Promise<void> {
    const before = this.#next;
    if (before === null || this.loadingMore) return;
    this.loadingMore = true;
    await this.#try(async () => {
      const page = await this.api.conversation(this.partner.id, PAGE, before);
      if (this.#next !== before) return;
      const known = new Set(this.#listing.map((message) => message.id));
      this.#listing = [...this.#listing, ...page.messages.filter((message) => !known.has(message.id))];
      this.#next = page.next ?? null;
    });
    this.loadingMore = false;
  }

  /** Sends the draft; resolves when it is confirmed or has visibly failed. */
  async send(): Promise<void> {
    if (!this.ready) return;
    const entry: UnsentMessage = { key: uuidv7(), text: this.draft.trim(), state: 'sending', problem: '' };
    this.draft = '';
    this.unsent = [entry, ...this.unsent];
    await this.#deliver(entry);
  }

  /** Sends a message again that the server did not confirm. */
  async resend(key: string): Promise<void> {
    const entry = this.unsent.find((candidate) => candidate.key === key);
    if (entry?.state !== 'failed') return;
    this.#replace({ ...entry, state: 'sending', problem: '' });
    await this.#deliver(entry);
  }

  discard(key: string): void {
    this.unsent = this.unsent.filter((entry) => entry.key !== key);
  }

  /** Has the friend told at once. */
  async retry(): Promise<void> {
    await this.#try(async () => void (await this.api.retryConversation(this.partner.id)));
    if (this.problem === '') await this.reload();
  }

  async withdraw(message: Message): Promise<void> {
    await this.#try(async () => {
      await this.api.withdrawMessage(this.partner.id, message.id);
      this.#acknowledged.wrote({ ...message, body: null }, message);
      this.#acknowledgements += 1;
      this.expect();
    });
  }

  async edit(message: Message, text: string): Promise<void> {
    await this.#try(async () => {
      this.#acknowledged.wrote(await this.api.editMessage(this.partner.id, message.id, text), message);
      this.#acknowledgements += 1;
      this.expect();
    });
  }

  async clear(clearFor: 'me' | 'both'): Promise<void> {
    await this.#try(async () => {
      await this.api.clearConversation(this.partner.id, clearFor);
      for (const message of this.#listing) this.#acknowledged.removed(message);
      this.#acknowledgements += 1;
      this.expect();
    });
  }

  async #deliver(entry: UnsentMessage): Promise<void> {
    try {
      this.#acknowledged.wrote(await this.api.sendMessage(this.partner.id, entry.text, entry.key));
      this.#acknowledgements += 1;
      this.discard(entry.key);
      this.expect();
    } catch (error) {
      this.#replace({ ...entry, state: 'failed', problem: ApiError.sentence(error) });
    }
  }

  #replace(entry: UnsentMessage): void {
    this.unsent = this.unsent.map((other) => (other.key === entry.key ? entry : other));
  }

  #take(page: ConversationPage): void {
    const merged = mergeNewest(this.#listing, this.#next, { items: page.messages, next: page.next ?? null });
    this.#acknowledged.arrived(merged.items);
    this.#listing = merged.items;
    this.#next = merged.next;
    this.canWrite = page.can_write;
    this.undelivered = page.owed?.problem ?? '';
    this.clearing = page.clearing ?? null;
    this.loaded = true;
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    }
  }
}

/** All conversations, the one with the latest message first, and the one that is open. Loaded only while they are looked at. */
export class Conversations {
  list = $state.raw<readonly Conversation[]>([]);
  thread: Thread | null = $state.raw(null);
  #next: string | null = $state(null);
  #open = false;
  /** Threads that were opened keep what was not sent. */
  readonly #threads = new Map<string, Thread>();

  loaded = $state(false);
  busy = $state(false);
  problem = $state('');

  constructor(
    private readonly api: Api,
    private readonly expect: () => void,
  ) {}

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** The screen is shown; the returned function says that it is left. */
  open(): () => void {
    this.#open = true;
    void this.#load();
    if (this.thread !== null) void this.thread.reload();
    return () => (this.#open = false);
  }

  /** Something changed on the server. */
  async follow(): Promise<void> {
    if (this.#open) await Promise.all([this.#load(), this.thread?.reload()]);
  }

  /** Opens the conversation with somebody. */
  show(partner: Partner): void {
    const thread = this.#threads.get(partner.id) ?? new Thread(this.api, partner, this.expect);
    this.#threads.set(partner.id, thread);
    this.thread = thread;
    void thread.reload();
  }

  /** Goes back to the list. */
  leave(): void {
    this.thread = null;
    void this.#load();
  }

  async loadMore(): Promise<void> {
    const before = this.#next;
    if (before === null || this.busy) return;
    this.busy = true;
    await this.#load(before);
    this.busy = false;
  }

  async #load(before?: string): Promise<void> {
    try {
      const page = before === undefined ? await this.api.conversations(PAGE) : await this.api.conversations(PAGE, before);
      const known = new Set(page.conversations.map(({ friend }) => friend.id));
      const kept = before === undefined ? [] : this.list.filter(({ friend }) => !known.has(friend.id));
      this.list = [...kept, ...page.conversations];
      this.#next = page.next ?? null;
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    }
  }
}
