import { createContext } from 'svelte';
import { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Profile } from '../api/types';
import { type Keep, localKeep } from '../keep';
import { relativeTime } from '../format/relative-time';
import { texts } from '../texts';
import { Announcer } from './announcer.svelte';
import { Appearance } from './appearance.svelte';
import { Circles } from './circles.svelte';
import { Clock } from './clock.svelte';
import { Conversations } from './conversations.svelte';
import { Composer } from './composer.svelte';
import { Discretion } from './discretion.svelte';
import { Feed } from './feed.svelte';
import { FriendRequestForm, Friends } from './friends.svelte';
import { Invitations } from './invitations.svelte';
import { Live } from './live.svelte';
import { PasswordChange } from './new-password.svelte';
import { Notices } from './notices.svelte';
import { Outbox } from './outbox.svelte';
import { PostThreads } from './post-thread.svelte';
import { ProfileEditor } from './profile.svelte';
import { Retention } from './retention.svelte';
import { Router } from './router.svelte';
import { Session } from './session.svelte';

/** Everything that the screens show and do, wired together once. */
export class App {
  readonly announcer = new Announcer();
  readonly clock = new Clock();
  readonly appearance: Appearance;
  readonly router: Router;
  readonly session: Session;
  /** What belongs to the signed-in owner; made anew after signing out, so that nothing of it lingers. */
  home: Home;

  constructor(
    readonly api: Api = new Api(),
    private readonly keep: Keep = localKeep,
  ) {
    this.appearance = new Appearance(keep);
    this.router = new Router(window);
    this.session = new Session(api);
    this.home = $state.raw(new Home(this, keep));
  }

  /** Signs out and takes everything of the owner's off this browser. */
  async signOut(): Promise<void> {
    try {
      await this.session.signOut();
    } catch (error) {
      this.announcer.problem(ApiError.sentence(error));
      return;
    }
    this.home.live.stop();
    this.home.outbox.clear();
    this.home.composer.text = '';
    this.home.composer.draft.clear();
    this.home = new Home(this, this.keep);
    this.router.open('/');
  }
}

/** The state behind the screens of a signed-in owner. */
export class Home {
  readonly feed: Feed;
  /** What is said under the posts. */
  readonly threads: PostThreads;
  readonly outbox: Outbox;
  readonly composer: Composer;
  readonly friends: Friends;
  readonly circles: Circles;
  readonly request: FriendRequestForm;
  readonly invitations: Invitations;
  readonly conversations: Conversations;
  readonly notices: Notices;
  readonly profile: ProfileEditor;
  readonly retention: Retention;
  readonly discretion: Discretion;
  readonly password: PasswordChange;
  readonly live: Live;
  readonly #app: App;

  constructor(app: App, keep: Keep) {
    const { api, announcer } = app;
    this.#app = app;
    this.threads = new PostThreads(api, announcer, () => this.live.expect(), () => document.visibilityState === 'visible');
    this.feed = new Feed(api, (posts) => this.threads.listed(posts));
    this.outbox = new Outbox(api, keep, (post) => {
      this.feed.wrote(post);
      announcer.done(texts.composer.posted);
      this.live.expect();
    });
    this.composer = new Composer(this.outbox, keep);
    // A listing that has shown it tells later on that it is gone; before, it might only lag behind.
    this.friends = new Friends(api, announcer, () => this.live.expect());
    this.request = new FriendRequestForm(api, this.friends, announcer);
    this.circles = new Circles(api, announcer);
    this.invitations = new Invitations(api, announcer);
    this.conversations = new Conversations(api, () => this.live.expect());
    this.notices = new Notices(api, (unread) => (this.live.unread = unread));
    this.profile = new ProfileEditor(api, announcer, (profile) => this.#renamed(profile));
    this.retention = new Retention(api, announcer);
    this.discretion = new Discretion(api, announcer);
    this.password = new PasswordChange(api, announcer, (status) => app.session.enter(status));
    this.live = new Live(api, this.#reloads(), () => document.visibilityState === 'visible');
  }

  /** Has all friends asked for news and says how that went. */
  async refresh(): Promise<void> {
    const { announcer } = this.#app;
    try {
      const { pulled, held_back: heldBack } = await this.live.refreshNow();
      const silent = pulled.filter((pull) => pull.problem != null).map((pull) => pull.name);
      if (heldBack != null) announcer.problem(texts.feed.heldBack(heldBack.requests, relativeTime(heldBack.until_ms, Date.now())));
      else if (silent.length > 0) announcer.problem(texts.feed.refreshProblems(silent.join(', ')));
      else announcer.done(texts.feed.refreshed(pulled.length));
    } catch (error) {
      announcer.problem(ApiError.sentence(error));
    }
  }

  #reloads(): ConstructorParameters<typeof Live>[1] {
    const then = (load: () => Promise<void>) => async () => {
      await load();
      this.#app.clock.set();
    };
    return {
      feed: then(async () => void (await Promise.all([this.feed.reload(), this.threads.follow()]))),
      friends: then(() => this.friends.reload()),
      profile: then(() => this.profile.follow()),
      conversations: then(() => this.conversations.follow()),
      notifications: then(() => this.notices.follow()),
    };
  }

  /** The name stands in the navigation as well. */
  #renamed(profile: Profile): void {
    const { session } = this.#app;
    const { status } = session;
    if (status?.owner) session.status = { ...status, owner: { ...status.owner, name: profile.name } };
  }
}

export const [useApp, provideApp] = createContext<App>();
