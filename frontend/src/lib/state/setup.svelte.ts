import type { Api, Credentials } from '../api/client';
import { ApiError } from '../api/errors';
import type { SessionStatus } from '../api/types';
import { encodeKey, newSecret, recoveryWords, signCertificate } from '../identity/identity';
import { texts } from '../texts';
import { NewPassword } from './new-password.svelte';
import { checkName } from './profile.svelte';

export const steps = ['password', 'name', 'words', 'confirm'] as const;
export type Step = (typeof steps)[number] | 'finishing' | 'taken';

/** How many of the words are asked for. */
const ASKED = 3;
/** What an unclaimed deployment lets its owner sign in as. */
const USER_NAME = 'admin';

/** A word that the owner is asked to enter again. */
interface Question {
  /** Counted from 1, as the words are numbered on the screen. */
  readonly position: number;
  answer: string;
  problem: string;
}

/**
 * The way from an unclaimed deployment to one's own. The identity is made here; nothing is sent before its words have been
 * kept, so that breaking off at any step leaves no trace.
 */
export class Setup {
  step = $state<Step>('password');
  name = $state('');
  nameProblem = $state('');
  problem = $state('');
  questions = $state<Question[]>([]);

  readonly chosen = new NewPassword();
  readonly #identitySecret: Uint8Array;
  readonly #deploymentSecret: Uint8Array = newSecret();
  /** The 24 recovery words of the identity. */
  readonly words: readonly string[];

  constructor(
    private readonly api: Api,
    private readonly credentials: Credentials,
    private readonly address: string,
    private readonly done: (status: SessionStatus) => void,
    identitySecret: Uint8Array = newSecret(),
  ) {
    this.#identitySecret = identitySecret;
    this.words = recoveryWords(identitySecret);
  }

  choosePassword(): void {
    if (this.chosen.check()) this.step = 'name';
  }

  giveName(): void {
    this.nameProblem = checkName(this.name);
    if (this.nameProblem === '') this.step = 'words';
  }

  keptWords(): void {
    this.questions = pickPositions(this.words.length, ASKED).map((position) => ({ position, answer: '', problem: '' }));
    this.step = 'confirm';
  }

  back(): void {
    const at = steps.findIndex((step) => step === this.step);
    this.problem = '';
    this.step = steps[Math.max(0, at - 1)] ?? 'password';
  }

  /** Checks the words that were asked for and, if they are right, makes the deployment the owner's. */
  async confirm(): Promise<void> {
    if (this.step !== 'confirm') return;
    for (const question of this.questions) {
      const right = question.answer.trim().toLowerCase() === this.words[question.position - 1];
      question.problem = right ? '' : texts.setup.confirm.wrong(question.position);
    }
    if (this.questions.some((question) => question.problem !== '')) return;
    await this.#finish();
  }

  async #finish(): Promise<void> {
    this.step = 'finishing';
    this.problem = '';
    try {
      this.done(await this.#claim());
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'conflict') {
        this.step = 'taken';
        return;
      }
      this.problem = ApiError.sentence(error);
      this.step = 'confirm';
    }
  }

  async #claim(): Promise<SessionStatus> {
    const certificate = signCertificate({
      identitySecret: this.#identitySecret,
      deploymentSecret: this.#deploymentSecret,
      address: this.address,
      serial: Date.now(),
    });
    const password = this.chosen.password;
    const body = { name: this.name.trim(), password, certificate, deployment_secret: encodeKey(this.#deploymentSecret) };
    try {
      return await this.api.setUp(this.credentials, body);
    } catch (error) {
      const ours = await this.#claimedBefore(error, certificate.identity);
      if (ours === null) throw error;
      return ours;
    }
  }

  /**
   * An answer that got lost looks like a failure here although the deployment is ours already; setting up again is then
   * refused. The new password and the identity tell that case from somebody else having been faster.
   */
  async #claimedBefore(error: unknown, identity: string): Promise<SessionStatus | null> {
    const refused = error instanceof ApiError && (error.kind === 'conflict' || error.kind === 'signed_out');
    if (!refused) return null;
    try {
      const status = await this.api.signIn({ userName: USER_NAME, password: this.chosen.password });
      return status.owner?.identity === identity ? status : null;
    } catch {
      return null;
    }
  }
}

/** Different positions between 1 and `among`, in rising order. */
function pickPositions(among: number, count: number): number[] {
  const picked = new Set<number>();
  while (picked.size < Math.min(count, among)) {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    picked.add(1 + (random % among));
  }
  return [...picked].toSorted((one, other) => one - other);
}
