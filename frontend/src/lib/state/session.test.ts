import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import { aStatus, fakeApi } from '../testing';
import { texts } from '../texts';
import { Session } from './session.svelte';

const unclaimed = aStatus({ signed_in: false, setup: 'unclaimed', default_login: true, owner: null });

describe('session', () => {
  it.each([
    ['signed_in', aStatus()],
    ['signed_out', aStatus({ signed_in: false, owner: null })],
    ['signed_out', unclaimed],
  ])('starts %s', async (phase, status) => {
    const session = new Session(fakeApi({ session: async () => status }));
    await session.start();
    expect(session.phase).toBe(phase);
  });

  it('tells a deployment that does not answer from one that refuses to work', async () => {
    let error = new ApiError('offline', 'No answer.', 0);
    const session = new Session(fakeApi({ session: async () => Promise.reject(error) }));
    await session.start();
    expect(session.phase).toBe('unreachable');
    error = new ApiError('unavailable', 'Set owner_password.', 503);
    await session.start();
    expect(session.phase).toBe('refused');
    expect(session.problem).toBe('Set owner_password.');
  });

  it('keeps the first login in memory until setup is done', async () => {
    const session = new Session(fakeApi({ signIn: async () => unclaimed }));
    await session.signIn('admin', 'password');
    expect(session.phase).toBe('setting_up');
    expect(session.credentials).toEqual({ userName: 'admin', password: 'password' });
    session.enter(aStatus());
    expect(session.phase).toBe('signed_in');
    expect(session.credentials).toBeNull();
  });

  it('says that a password is wrong', async () => {
    const session = new Session(fakeApi({ signIn: async () => Promise.reject(new ApiError('signed_out', '', 401)) }));
    await session.signIn('admin', 'guess');
    expect(session.signInProblem).toBe(texts.signIn.wrong);
    expect(session.signingIn).toBe(false);
  });

  it('asks nobody about an empty password', async () => {
    const signIn = vi.fn();
    const session = new Session(fakeApi({ signIn }));
    await session.signIn('admin', '');
    expect(session.signInProblem).toBe(texts.signIn.missing);
    expect(signIn).not.toHaveBeenCalled();
  });

  it('goes to sign-in when the session ends, and says why until signed in again', async () => {
    const api = fakeApi({ session: async () => aStatus(), signIn: async () => aStatus() });
    const session = new Session(api);
    await session.start();
    api.onSignedOut();
    expect(session.phase).toBe('signed_out');
    expect(session.expired).toBe(true);
    await session.signIn('admin', 'right');
    expect(session.phase).toBe('signed_in');
    expect(session.expired).toBe(false);
  });

  it('stays signed in here when the deployment could not be told to sign out', async () => {
    const session = new Session(fakeApi({ session: async () => aStatus(), signOut: async () => Promise.reject(new ApiError('offline', 'No.', 0)) }));
    await session.start();
    await expect(session.signOut()).rejects.toThrow('No.');
    expect(session.phase).toBe('signed_in');
  });
});
