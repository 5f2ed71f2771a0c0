import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { Profile } from '../api/types';
import { memoryKeep } from '../keep';
import { aStatus, fakeApi } from '../testing';
import { Announcer } from './announcer.svelte';
import { Appearance } from './appearance.svelte';
import { PasswordChange } from './new-password.svelte';
import { ProfileEditor } from './profile.svelte';
import { Router } from './router.svelte';

describe('profile editor', () => {
  const alice: Profile = { id: 'alice', identity: 'key', name: 'Alice', bio: 'Hello.', safety_code: '00000', address: 'https://alice.example' };

  function editorWith(api: Parameters<typeof fakeApi>[0] = {}) {
    const saveProfile = vi.fn(async (name: string, bio: string) => ({ ...alice, name, bio }));
    const saved = vi.fn();
    const editor = new ProfileEditor(fakeApi({ profile: async () => alice, saveProfile, ...api }), new Announcer(), saved);
    return { editor, saveProfile, saved };
  }

  it('saves what was changed', async () => {
    const { editor, saveProfile, saved } = editorWith();
    await editor.open();
    expect(editor.changed).toBe(false);
    editor.name = ' Alicia ';
    await editor.save();
    expect(saveProfile).toHaveBeenCalledWith('Alicia', 'Hello.');
    expect(saved).toHaveBeenCalledWith({ ...alice, name: 'Alicia' });
    expect(editor.changed).toBe(false);
  });

  it.each([
    ['an empty name', '', 'Hello.'],
    ['a name that is too long', 'x'.repeat(61), 'Hello.'],
    ['too much about oneself', 'Alice', 'x'.repeat(501)],
  ])('refuses %s', async (_, name, bio) => {
    const { editor, saveProfile } = editorWith();
    await editor.open();
    Object.assign(editor, { name, bio });
    await editor.save();
    expect(saveProfile).not.toHaveBeenCalled();
  });

  it('does not overwrite what is being typed with what changed elsewhere', async () => {
    const { editor } = editorWith();
    await editor.open();
    editor.bio = 'Half a sen';
    await editor.follow();
    expect(editor.bio).toBe('Half a sen');
  });

  it('says what went wrong', async () => {
    const { editor } = editorWith({ profile: async () => Promise.reject(new ApiError('offline', 'No answer.', 0)) });
    await editor.open();
    expect(editor.problem).toBe('No answer.');
  });
});

describe('password change', () => {
  it('sends a good password and forgets it', async () => {
    const changed = vi.fn();
    const changePassword = vi.fn(async () => aStatus());
    const change = new PasswordChange(fakeApi({ changePassword }), new Announcer(), changed);
    change.chosen.password = change.chosen.repeat = 'correct horse';
    await change.save();
    expect(changePassword).toHaveBeenCalledWith('correct horse');
    expect(changed).toHaveBeenCalled();
    expect(change.chosen.password).toBe('');
  });

  it('keeps a password that was refused and says why', async () => {
    const refuse = async () => Promise.reject(new ApiError('invalid', 'Too well known.', 422));
    const change = new PasswordChange(fakeApi({ changePassword: refuse }), new Announcer(), vi.fn());
    change.chosen.password = change.chosen.repeat = 'correct horse';
    await change.save();
    expect(change.chosen).toMatchObject({ password: 'correct horse', problem: 'Too well known.' });
  });
});

describe('appearance', () => {
  it('remembers a choice and forgets it for the system', () => {
    const keep = memoryKeep();
    new Appearance(keep).theme = 'dark';
    const again = new Appearance(keep);
    const root = { dataset: {} } as HTMLElement;
    again.applyTo(root);
    expect(root.dataset).toEqual({ theme: 'dark' });
    again.theme = 'system';
    again.applyTo(root);
    expect(root.dataset).toEqual({});
    expect(keep.read('theme')).toBeNull();
  });

  it('takes rubbish for the system', () => {
    const keep = memoryKeep();
    keep.write('theme', 'plaid');
    expect(new Appearance(keep).theme).toBe('system');
  });
});

describe('announcer', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('shows one sentence at a time, problems longer', () => {
    const announcer = new Announcer();
    announcer.done('One.');
    announcer.problem('Two.');
    vi.advanceTimersByTime(5_000);
    expect(announcer.notice?.text).toBe('Two.');
    vi.advanceTimersByTime(5_000);
    expect(announcer.notice).toBeNull();
  });
});

describe('router', () => {
  function routerAt(pathname: string, hash = '') {
    const pushed: unknown[] = [];
    const history = {
      pushState: (_data: unknown, _title: string, path: string) => pushed.push(path),
      replaceState: (_data: unknown, _title: string, path: string) => pushed.push(`instead ${path}`),
    };
    const window = { location: { pathname, hash, origin: 'http://127.0.0.1:3000' }, history, scrollTo: () => {}, addEventListener() {}, removeEventListener() {} };
    return { router: new Router(window as unknown as Window), pushed };
  }

  it.each([
    ['/', 'feed'],
    ['/friends', 'friends'],
    ['/profile', 'profile'],
    ['/settings', 'settings'],
    ['/nowhere', 'feed'],
    ['/toString', 'feed'],
  ])('opens %s as %s', (path, screen) => {
    expect(routerAt(path).router.screen).toBe(screen);
  });

  it('shows an invitation that was followed, and lets go of its secret', () => {
    const { router, pushed } = routerAt('/', '#invite=a.b');
    expect(router.invitation).toBe('#invite=a.b');
    router.leaveInvitation();
    expect([router.invitation, pushed]).toEqual([null, ['instead /']]);
    expect(routerAt('/', '#content').router.invitation).toBeNull();
  });

  it('writes history only for a move', () => {
    const { router, pushed } = routerAt('/');
    router.open('/friends');
    router.open('/friends');
    expect(pushed).toEqual(['/friends']);
  });
});
