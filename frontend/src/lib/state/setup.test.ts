import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { SetupRequest } from '../api/types';
import { aStatus, fakeApi } from '../testing';
import { Setup } from './setup.svelte';

const credentials = { userName: 'admin', password: 'password' };
const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
const IDENTITY = 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg';

function setupWith(api: Parameters<typeof fakeApi>[0]) {
  const done = vi.fn();
  return { setup: new Setup(fakeApi(api), credentials, 'http://127.0.0.1:3001', done, seed), done };
}

/** Walks to the questions with good answers. */
function walk(setup: Setup) {
  setup.chosen.password = setup.chosen.repeat = 'correct horse';
  setup.choosePassword();
  setup.name = ' Alice ';
  setup.giveName();
  setup.keptWords();
}

function answerRight(setup: Setup) {
  for (const question of setup.questions) question.answer = ` ${setup.words[question.position - 1]?.toUpperCase()} `;
}

describe('setup', () => {
  it('sends nothing before the words were checked, and then never the identity secret', async () => {
    const setUp = vi.fn(async (_credentials: unknown, _body: SetupRequest) => aStatus());
    const { setup, done } = setupWith({ setUp });
    walk(setup);
    expect(setUp).not.toHaveBeenCalled();
    answerRight(setup);
    await setup.confirm();
    expect(done).toHaveBeenCalledWith(aStatus());
    const [sentCredentials, body] = setUp.mock.calls[0] ?? [];
    expect(sentCredentials).toEqual(credentials);
    expect(body).toMatchObject({ name: 'Alice', password: 'correct horse', certificate: { identity: IDENTITY, address: 'http://127.0.0.1:3001' } });
    const sent = JSON.stringify(body);
    expect(sent).not.toContain(Buffer.from(seed).toString('base64url'));
    expect(sent).not.toContain(setup.words.slice(0, 2).join(' '));
  });

  it('shows 24 words and asks for three different ones in order', () => {
    const { setup } = setupWith({});
    walk(setup);
    expect(setup.words).toHaveLength(24);
    const positions = setup.questions.map((question) => question.position);
    expect(new Set(positions).size).toBe(3);
    expect(positions).toEqual(positions.toSorted((one, other) => one - other));
  });

  it('says which word is wrong and does not go on', async () => {
    const setUp = vi.fn();
    const { setup } = setupWith({ setUp });
    walk(setup);
    answerRight(setup);
    const [first] = setup.questions;
    if (first) first.answer = 'zebra';
    await setup.confirm();
    expect(first?.problem).toContain(String(first?.position));
    expect(setup.questions[1]?.problem).toBe('');
    expect(setUp).not.toHaveBeenCalled();
  });

  it.each([
    ['short', 'short', 'least'],
    ['x'.repeat(201), 'x'.repeat(201), 'most'],
    ['Password', 'Password', 'known'],
  ])('refuses the password %j', (password, repeat, reason) => {
    const { setup } = setupWith({});
    setup.chosen.password = password;
    setup.chosen.repeat = repeat;
    setup.choosePassword();
    expect(setup.step).toBe('password');
    expect(setup.chosen.problem).toContain(reason);
  });

  it('refuses passwords that differ, and names that are empty or too long', () => {
    const { setup } = setupWith({});
    setup.chosen.password = 'correct horse';
    setup.chosen.repeat = 'correct house';
    setup.choosePassword();
    expect(setup.chosen.repeatProblem).not.toBe('');
    setup.chosen.repeat = 'correct horse';
    setup.choosePassword();
    for (const name of ['', '  ', 'x'.repeat(61)]) {
      setup.name = name;
      setup.giveName();
      expect(setup.nameProblem).not.toBe('');
    }
    expect(setup.step).toBe('name');
  });

  it('goes back without losing anything', () => {
    const { setup } = setupWith({});
    walk(setup);
    const words = [...setup.words];
    setup.back();
    setup.back();
    expect(setup.step).toBe('name');
    expect(setup.name).toBe(' Alice ');
    expect(setup.words).toEqual(words);
  });

  it('explains that somebody else was faster', async () => {
    const refuse = async () => Promise.reject(new ApiError('conflict', 'Set up already.', 409));
    const { setup, done } = setupWith({ setUp: refuse, signIn: async () => Promise.reject(new ApiError('signed_out', '', 401)) });
    walk(setup);
    answerRight(setup);
    await setup.confirm();
    expect(setup.step).toBe('taken');
    expect(done).not.toHaveBeenCalled();
  });

  it('notices that the deployment is ours already when only the answer was lost', async () => {
    const owner = { id: 'alice', identity: IDENTITY, name: 'Alice', address: 'http://127.0.0.1:3001' };
    const refuse = async () => Promise.reject(new ApiError('conflict', 'Set up already.', 409));
    const { setup, done } = setupWith({ setUp: refuse, signIn: async () => aStatus({ owner }) });
    walk(setup);
    answerRight(setup);
    await setup.confirm();
    expect(done).toHaveBeenCalledWith(aStatus({ owner }));
  });

  it('lets people try again after a failure', async () => {
    const setUp = vi.fn().mockRejectedValueOnce(new ApiError('offline', 'No answer.', 0)).mockResolvedValueOnce(aStatus());
    const { setup, done } = setupWith({ setUp });
    walk(setup);
    answerRight(setup);
    await setup.confirm();
    expect(setup.step).toBe('confirm');
    expect(setup.problem).toBe('No answer.');
    await setup.confirm();
    expect(done).toHaveBeenCalled();
  });
});
