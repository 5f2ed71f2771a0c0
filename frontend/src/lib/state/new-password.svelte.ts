import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { SessionStatus } from '../api/types';
import { characters, limits } from '../limits';
import { texts } from '../texts';
import type { Announcer } from './announcer.svelte';

/** A password being chosen: typed twice, checked before it is sent anywhere. */
export class NewPassword {
  password = $state('');
  repeat = $state('');
  problem = $state('');
  repeatProblem = $state('');

  /** True if it may be used; otherwise the problems say why not. */
  check(): boolean {
    this.problem = checkPassword(this.password);
    this.repeatProblem = this.problem === '' && this.password !== this.repeat ? texts.setup.different : '';
    return this.problem === '' && this.repeatProblem === '';
  }

  clear(): void {
    this.password = '';
    this.repeat = '';
    this.problem = '';
    this.repeatProblem = '';
  }
}

/** The change of password in the settings. */
export class PasswordChange {
  readonly chosen = new NewPassword();
  saving = $state(false);

  constructor(
    private readonly api: Api,
    private readonly announcer: Announcer,
    private readonly changed: (status: SessionStatus) => void,
  ) {}

  async save(): Promise<void> {
    if (this.saving || !this.chosen.check()) return;
    this.saving = true;
    try {
      this.changed(await this.api.changePassword(this.chosen.password));
      this.chosen.clear();
      this.announcer.done(texts.settings.passwordChanged);
    } catch (error) {
      this.chosen.problem = ApiError.sentence(error);
    } finally {
      this.saving = false;
    }
  }
}

function checkPassword(password: string): string {
  const length = characters(password);
  if (length < limits.passwordLeast) return texts.setup.tooShort(limits.passwordLeast);
  if (length > limits.passwordMost) return texts.setup.tooLong(limits.passwordMost);
  return password.toLowerCase() === 'password' ? texts.setup.tooCommon : '';
}
