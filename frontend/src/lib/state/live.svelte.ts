import type { Api, ChangesAnswer } from '../api/client';
import type { Changes, RefreshReport } from '../api/types';

/** What can change while the tab is open. */
export const subjects = ['feed', 'friends', 'profile', 'conversations', 'notifications'] as const;
export type Subject = (typeof subjects)[number];

/** For so long after the app was opened, shown again or written in, somebody waits for what comes: it asks often. */
const LIVELY_MS = 60_000;
const LIVELY_EVERY_MS = 4_000;
/** For so long it asks at the first of the paces below; then nothing has come for a while, and it asks less often. */
const CALM_MS = 3 * 60_000;
/**
 * How often a visible tab asks otherwise, by how long ago the owner last did something. In milliseconds. Hosts give
 * 100,000 requests a month in all: asking every 4 s would take half of them in two hours a day (docs/protocol.md).
 */
const PACES = [
  { idleUpToMs: 10 * 60_000, everyMs: 20_000 },
  { idleUpToMs: Infinity, everyMs: 60_000 },
] as const;
const CALM_EVERY_MS = 10_000;
const QUIET_EVERY_MS = PACES[0].everyMs;
const MOST_BACK_OFF_MS = 60_000;
/** After network work that brought nothing, the next piece waits at least this long, doubling up to the most. */
const REFRESH_PAUSE_MS = 5_000;
const MOST_REFRESH_PAUSE_MS = 300_000;

/**
 * Keeps an open tab up to date by asking one tiny question over and over: slower when idle, not at all when hidden, at
 * once when shown again. When there is network work to do on behalf of the owner, it has it done.
 */
export class Live {
  /** False while the deployment does not answer. */
  online = $state(true);
  /** True while friends are being asked because the owner wanted it. */
  refreshing = $state(false);
  /** How many notifications the owner has not read. */
  unread = $state(0);
  /** In how many conversations there is something unread. */
  unreadConversations = $state(0);

  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #poll: Promise<void> | null = null;
  #lastActiveMs = 0;
  /** When the app was opened, shown again or written in. */
  #livelySinceMs = 0;
  #lastPollMs = 0;
  #failures = 0;
  #tag: string | null = null;
  #changes: Changes | null = null;
  /** The tags of what is on the screen. */
  #shown: Partial<Record<Subject, string>> = {};
  #idleRefreshes = 0;
  #refreshNotBeforeMs = 0;
  /** Until then the deployment's store may hide what the last work has done: it would only be done again. */
  #restsUntilMs = 0;
  /** How far the server's clock is ahead of this one: what is due is due by the server's. */
  #serverAheadMs = 0;

  constructor(
    private readonly api: Api,
    private readonly reload: Record<Subject, () => Promise<void>>,
    private readonly visible: () => boolean,
  ) {}

  /** Starts asking; the first answer loads everything. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#tag = null;
    this.#shown = {};
    this.#idleRefreshes = 0;
    this.#refreshNotBeforeMs = this.#restsUntilMs = 0;
    this.#lastActiveMs = Date.now();
    this.#livelySinceMs = Date.now();
    await this.pollNow();
  }

  stop(): void {
    this.#running = false;
    this.online = true;
    clearTimeout(this.#timer);
  }

  /** The owner did something. After a long silence the next question comes at once. */
  active(): void {
    this.#lastActiveMs = Date.now();
    if (this.#running && this.#timer !== undefined && Date.now() - this.#lastPollMs > QUIET_EVERY_MS) this.expect();
  }

  /** Something is likely to come soon: asks now, and often for a while. */
  expect(): void {
    this.#livelySinceMs = Date.now();
    // The question on its way may have been answered before whatever is expected happened.
    void (this.#poll === null ? this.pollNow() : this.#poll.then(() => this.pollNow()));
  }

  /** The tab was shown or hidden, or the network came back. */
  wake(): void {
    if (!this.#running) return;
    if (this.visible()) {
      this.#failures = 0;
      this.#lastActiveMs = Date.now();
      this.expect();
    } else {
      clearTimeout(this.#timer);
    }
  }

  /** Asks now, or waits for the question that is already on its way. */
  async pollNow(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#poll ??= this.#ask().finally(() => {
      this.#poll = null;
      this.#schedule();
    });
    await this.#poll;
  }

  /** Has all friends asked for news, because the owner wants it now. */
  async refreshNow(): Promise<RefreshReport> {
    this.refreshing = true;
    try {
      const report = await this.api.refresh('all');
      this.#restsUntilMs = Date.now() + report.rest_ms;
      await this.#poll;
      await this.pollNow();
      return report;
    } finally {
      this.refreshing = false;
    }
  }

  async #ask(): Promise<void> {
    this.#lastPollMs = Date.now();
    try {
      await this.#follow(await this.api.changes(this.#tag));
      if (this.#workIsDue()) {
        if (await this.#doWork()) await this.#follow(await this.api.changes(this.#tag));
      }
      this.online = true;
      this.#failures = 0;
    } catch {
      // A part may have been loaded and a part not: ask for everything again.
      this.#tag = null;
      this.#failures += 1;
      this.online = false;
    }
  }

  async #follow(answer: ChangesAnswer): Promise<void> {
    if (!answer.changed || !this.#running) return;
    const { changes, tag, serverMs } = answer;
    if (serverMs !== null) this.#serverAheadMs = serverMs - Date.now();
    if (changes.dirty > (this.#changes?.dirty ?? 0)) this.#idleRefreshes = this.#refreshNotBeforeMs = 0;
    this.#changes = changes;
    this.unread = changes.unread;
    this.unreadConversations = changes.unread_conversations;
    const stale = subjects.filter((subject) => this.#shown[subject] !== changes[subject]);
    await Promise.all(
      stale.map(async (subject) => {
        await this.reload[subject]();
        this.#shown[subject] = changes[subject];
      }),
    );
    this.#tag = tag;
  }

  #workIsDue(): boolean {
    if (!this.#running || this.#changes === null || Date.now() < Math.max(this.#refreshNotBeforeMs, this.#restsUntilMs)) return false;
    const { next_due_ms: nextDueMs } = this.#changes;
    return nextDueMs != null && nextDueMs <= Date.now() + this.#serverAheadMs;
  }

  /** Work that achieves nothing is not repeated at the pace of the polls: a friend may be away for days. */
  async #doWork(): Promise<boolean> {
    const report = await this.api.refresh('due');
    const achieved = report.delivered > 0 || report.pulled.some((pull) => pull.changed > 0);
    this.#idleRefreshes = achieved ? 0 : this.#idleRefreshes + 1;
    const pauseMs = achieved ? 0 : REFRESH_PAUSE_MS * 2 ** (this.#idleRefreshes - 1);
    this.#refreshNotBeforeMs = Date.now() + Math.min(MOST_REFRESH_PAUSE_MS, pauseMs);
    this.#restsUntilMs = Date.now() + report.rest_ms;
    if (this.#changes !== null) this.#changes = { ...this.#changes, next_due_ms: report.next_due_ms ?? null };
    return achieved;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#running || !this.visible()) return;
    this.#timer = setTimeout(() => void this.pollNow(), this.#delayMs());
  }

  #delayMs(): number {
    const idleMs = Date.now() - this.#lastActiveMs;
    const livelyMs = Date.now() - this.#livelySinceMs;
    const quiet = PACES.find(({ idleUpToMs }) => idleMs < idleUpToMs)?.everyMs ?? MOST_BACK_OFF_MS;
    const wanted = livelyMs < LIVELY_MS ? LIVELY_EVERY_MS : livelyMs < CALM_MS ? CALM_EVERY_MS : quiet;
    // While network work rests, nothing of friends can come.
    const pace = Math.max(wanted, Math.min(QUIET_EVERY_MS, this.#restsUntilMs - Date.now()));
    if (this.#failures === 0) return pace;
    return Math.max(pace, Math.min(MOST_BACK_OFF_MS, LIVELY_EVERY_MS * 2 ** (this.#failures - 1)));
  }
}
