import type { Api, Credentials } from '../api/client';
import { ApiError } from '../api/errors';
import type { SessionStatus } from '../api/types';
import { texts } from '../texts';

/**
 * Where the owner stands with the deployment:
 * - `starting`: not asked yet
 * - `unreachable`: no answer; asking again helps
 * - `refused`: it answers, but will not work until its configuration is put right
 * - `signed_out`, `setting_up`, `signed_in`
 */
export type Phase = 'starting' | 'unreachable' | 'refused' | 'signed_out' | 'setting_up' | 'signed_in';

/** The owner's session with the deployment. */
export class Session {
  phase = $state<Phase>('starting');
  status = $state.raw<SessionStatus | null>(null);
  /** For `unreachable` and `refused`: what the deployment says about it. */
  problem = $state('');
  /** The session ended while the app was in use. */
  expired = $state(false);
  signingIn = $state(false);
  signInProblem = $state('');

  /** Kept in memory from sign-in to the end of setup, because an unclaimed deployment gives no session. */
  credentials: Credentials | null = null;

  constructor(private readonly api: Api) {
    api.onSignedOut = () => this.#expire();
  }

  /** Asks the deployment how things stand. */
  async start(): Promise<void> {
    try {
      this.enter(await this.api.session());
    } catch (error) {
      this.problem = ApiError.sentence(error);
      this.phase = error instanceof ApiError && error.kind === 'unavailable' ? 'refused' : 'unreachable';
    }
  }

  async signIn(userName: string, password: string): Promise<void> {
    if (this.signingIn) return;
    if (password === '') {
      this.signInProblem = texts.signIn.missing;
      return;
    }
    this.signingIn = true;
    this.signInProblem = '';
    try {
      const credentials = { userName, password };
      const status = await this.api.signIn(credentials);
      this.credentials = status.setup === 'unclaimed' ? credentials : null;
      this.enter(status);
    } catch (error) {
      const wrong = error instanceof ApiError && error.kind === 'signed_out';
      this.signInProblem = wrong ? texts.signIn.wrong : ApiError.sentence(error);
    } finally {
      this.signingIn = false;
    }
  }

  /** Gives setup up, because somebody else has done it, and goes to sign-in. */
  leaveSetup(): void {
    this.credentials = null;
    this.phase = 'signed_out';
    void this.start();
  }

  /** Ends the session here whether or not the deployment could be told. */
  async signOut(): Promise<void> {
    await this.api.signOut();
    this.expired = false;
    this.phase = 'signed_out';
    await this.start();
  }

  /** Takes over what the deployment said about the session. */
  enter(status: SessionStatus): void {
    this.status = status;
    this.problem = '';
    if (status.setup === 'unclaimed') {
      this.phase = this.credentials === null ? 'signed_out' : 'setting_up';
      return;
    }
    this.credentials = null;
    this.phase = status.signed_in ? 'signed_in' : 'signed_out';
    if (status.signed_in) this.expired = false;
  }

  #expire(): void {
    if (this.phase !== 'signed_in') return;
    this.expired = true;
    this.signInProblem = '';
    this.phase = 'signed_out';
  }
}
