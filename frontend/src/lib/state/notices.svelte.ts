import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Notice, NoticePage } from '../api/types';
import { coloured } from '../format/emoji';
import { texts } from '../texts';

/** Notices in one page. */
export const PAGE = 30;

/** What the owner should know, newest first. Loaded only while it is looked at: the count comes with every poll. */
export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #next: string | null = $state(null);
  #open = false;

  loaded = $state(false);
  busy = $state(false);
  problem = $state('');

  constructor(
    private readonly api: Api,
    private readonly unread: (count: number) => void,
  ) {}

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** The screen is shown; the returned function says that it is left. */
  open(): () => void {
    this.#open = true;
    void this.#load().catch(() => {});
    return () => (this.#open = false);
  }

  /** Something changed on the server. */
  async follow(): Promise<void> {
    if (this.#open) await this.#load();
  }

  async loadMore(): Promise<void> {
    const before = this.#next;
    if (before === null || this.busy) return;
    this.busy = true;
    try {
      const page = await this.api.notices(PAGE, before);
      const known = new Set(this.list.map((notice) => notice.id));
      this.list = [...this.list, ...page.notifications.filter((notice) => !known.has(notice.id))];
      this.#next = page.next ?? null;
      this.problem = '';
    } catch (error) {
      this.problem = ApiError.sentence(error);
    } finally {
      this.busy = false;
    }
  }

  async #load(): Promise<void> {
    try {
      const page = await this.api.notices(PAGE);
      this.#take(page);
      const newest = page.notifications[0];
      // What is on the screen counts as read; it stays marked as new until the screen is opened again.
      if (newest !== undefined && page.unread > 0) this.unread(await this.api.readNotices(newest.id));
    } catch (error) {
      this.problem = ApiError.sentence(error);
      throw error;
    }
  }

  #take(page: NoticePage): void {
    const fresh = new Set(this.list.filter((notice) => !notice.read).map((notice) => notice.id));
    this.list = page.notifications.map((notice) => (fresh.has(notice.id) ? { ...notice, read: false } : notice));
    this.#next = page.next ?? null;
    this.loaded = true;
    this.problem = '';
  }
}

/** Notices that are shown as one, the newest first. */
export interface Group {
  /** Stays the same while newer ones come. */
  readonly key: string;
  readonly notices: readonly [Notice, ...Notice[]];
}

/** Puts notices that belong together and follow each other into groups. Alarms stand for themselves. */
export function grouped(list: readonly Notice[]): Group[] {
  const groups: [Notice, ...Notice[]][] = [];
  for (const notice of list) {
    const last = groups.at(-1);
    if (last !== undefined && last[0].group === notice.group && !isAlarm(notice)) last.push(notice);
    else groups.push([notice]);
  }
  return groups.map((notices) => ({ key: notices.at(-1)?.id ?? '', notices }));
}

/** What happened in a group, in one sentence. */
export function summary({ notices }: Group): string {
  const [first, ...others] = notices;
  if (others.length === 0) return sentence(first);
  const t = texts.notices.several;
  const people = new Map<string, string>();
  for (const { event } of notices) if ('friend' in event) people.set(event.friend.id, event.friend.name);
  const names = [...people.values()];
  const [name] = names;
  const { kind } = first.event;
  const kinds = new Set(notices.map(({ event }) => event.kind));
  if (name !== undefined && [...kinds].every((one) => one === 'comment' || one === 'reaction')) {
    const said = kinds.size === 1 && kind === 'comment' ? t.comment : kinds.size === 1 ? t.reaction : t.response;
    return said(names.length === 1 ? name : t.people(name, names.slice(1)));
  }
  if (name !== undefined && names.length === notices.length && notices.every((notice) => notice.event.kind === kind)) {
    const told = kind === 'message' || kind === 'friend_request' || kind === 'request_accepted' || kind === 'invitation_used' ? t[kind] : undefined;
    if (told !== undefined) return told(t.people(name, names.slice(1)));
  }
  return name !== undefined && names.length === 1 ? t.about(notices.length, name) : t.count(notices.length);
}

/** Whether a notice is about somebody who may be in danger. */
export function isAlarm({ event }: Notice): boolean {
  return event.kind === 'certificate_conflict' || event.kind === 'superseded';
}

/** A notice in a sentence. */
export function sentence({ event }: Notice): string {
  const t = texts.notices.kinds;
  switch (event.kind) {
    case 'friend_moved':
      return t.friend_moved(event.friend.name, event.address);
    case 'invitation_reused':
      return t.invitation_reused(event.friends.map((friend) => friend.name).join(', '));
    case 'superseded':
      return t.superseded(event.address);
    case 'invitation_used':
    case 'friend_request':
    case 'request_accepted':
    case 'certificate_conflict':
    case 'friend_rekeyed':
    case 'undeliverable':
    case 'message':
      return t[event.kind](event.friend.name);
    case 'reply':
      return event.author.id === event.poster.id ? t.replyOnOwn(event.author.name) : t.reply(event.author.name, event.poster.name);
    default:
      return aboutPost(event) ?? t.unknown;
  }
}

/** What somebody said about a post of the owner's; null if it is something else. */
function aboutPost(event: { readonly kind: string; readonly friend?: { readonly name: string }; readonly emoji?: string }): string | null {
  const t = texts.notices.kinds;
  if (event.friend === undefined) return null;
  if (event.kind === 'comment') return t.comment(event.friend.name);
  return event.kind === 'reaction' ? t.reaction(event.friend.name, coloured(event.emoji ?? '')) : null;
}
