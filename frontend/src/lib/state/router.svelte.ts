/** Every screen of a signed-in owner, by its path. */
export const routes = { '/': 'feed', '/friends': 'friends', '/messages': 'messages', '/notices': 'notices', '/profile': 'profile', '/settings': 'settings' } as const;

/** What the owner wrote for everybody: the one page that needs no sign-in. */
export const PUBLIC_PATH = '/public';

export type Path = keyof typeof routes;
export type Screen = (typeof routes)[Path];

/** Which screen is open. Addresses that lead nowhere lead to the feed. */
export class Router {
  #path = $state<Path>('/');
  /** The fragment of an invitation that somebody followed here; null if nobody did. */
  #invitation = $state<string | null>(null);
  /** Whether the page for everybody is open. */
  #visiting = $state(false);

  constructor(private readonly window: Pick<Window, 'location' | 'history' | 'addEventListener' | 'removeEventListener' | 'scrollTo'>) {
    this.#path = known(window.location.pathname);
    this.#invitation = invitationIn(window.location.hash);
    this.#visiting = window.location.pathname === PUBLIC_PATH;
  }

  get visiting(): boolean {
    return this.#visiting;
  }

  get invitation(): string | null {
    return this.#invitation;
  }

  /** Goes on to the deployment itself; the secret does not stay in the address bar. */
  leaveInvitation(): void {
    this.window.history.replaceState(null, '', this.#path);
    this.#invitation = null;
  }

  get path(): Path {
    return this.#path;
  }

  get screen(): Screen {
    return routes[this.#path];
  }

  open(path: Path): void {
    if (path !== this.#path || this.#visiting) this.window.history.pushState(null, '', path);
    this.#path = path;
    this.#visiting = false;
    this.window.scrollTo(0, 0);
  }

  /** Opens the page for everybody. */
  visit(): void {
    if (!this.#visiting) this.window.history.pushState(null, '', PUBLIC_PATH);
    this.#visiting = true;
    this.window.scrollTo(0, 0);
  }

  /** Follows links and the back button; the returned function stops that. */
  run(): () => void {
    const back = () => {
      this.#path = known(this.window.location.pathname);
      this.#invitation = invitationIn(this.window.location.hash);
      this.#visiting = this.window.location.pathname === PUBLIC_PATH;
    };
    const click = (event: Event) => this.#follow(event as MouseEvent);
    this.window.addEventListener('popstate', back);
    this.window.addEventListener('click', click);
    return () => {
      this.window.removeEventListener('popstate', back);
      this.window.removeEventListener('click', click);
    };
  }

  /** Opens links to our own screens in place; all others, and clicks that ask for a new tab, are the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.origin !== this.window.location.origin || link.hash !== '') return;
    if (link.pathname === PUBLIC_PATH) {
      event.preventDefault();
      this.visit();
      return;
    }
    if (!(link.pathname in routes)) return;
    event.preventDefault();
    this.open(known(link.pathname));
  }
}

function invitationIn(hash: string): string | null {
  return hash.startsWith('#invite=') ? hash : null;
}

function known(pathname: string): Path {
  return pathname in routes ? (pathname as Path) : '/';
}
