import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const ROOT = resolve(import.meta.dirname, '../../..');
const PROGRAM = process.env.TIDINGS_PROGRAM ?? join(ROOT, 'target/debug/tidings');
const START_MS = 60_000;
/** Compiled components are shared between runs: compiling them anew takes longer than most tests. */
const CACHE = join(ROOT, 'target/browser-tests');

/** A whole deployment of the built program: real host, real components, a store of its own. */
export class Deployment {
  private constructor(
    /** The origin that it listens on. */
    readonly address: string,
    private readonly process: ChildProcess,
    private readonly data: string,
  ) {}

  static async start(): Promise<Deployment> {
    const data = await mkdtemp(join(tmpdir(), 'tidings-browser-'));
    const process = spawn(PROGRAM, argumentsFor(data), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const address = await addressOf(process);
    // Read to the end, so that a full pipe never stops the host.
    process.stdout?.resume();
    return new Deployment(address, process, data);
  }

  /** Ends the process, gently, and removes its data. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      const patience = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(patience);
    }
    await rm(this.data, { recursive: true, force: true });
  }
}

function argumentsFor(data: string): string[] {
  const variables = ['loopback_peers=http://127.0.0.1:*', 'store_staleness_seconds=0'];
  return [
    'serve',
    ...['--manifest', join(ROOT, 'spin.toml'), '--port', '0', '--data', data, '--cache', CACHE, '--allow-private-network'],
    ...variables.flatMap((variable) => ['--variable', variable]),
  ];
}

/** Waits for the line that tells where the deployment listens; what it said until then explains a failure. */
async function addressOf(process: ChildProcess): Promise<string> {
  const { stdout, stderr } = process;
  if (stdout === null || stderr === null) throw new Error('The program has no output to read.');
  let said = '';
  stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const lines = createInterface({ input: stdout });
  const address = new Promise<string>((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`${PROGRAM} did not listen within ${START_MS} ms:\n${said}`)), START_MS);
    lines.on('line', (line) => {
      const match = /listening on (http:\/\/\S+)/u.exec(line);
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      lines.close();
      found(match[1].replace(/\/$/u, ''));
    });
    process.once('error', (error) => failed(new Error(`${PROGRAM} cannot be started (${error.message}). Build it first: cargo xtask build`)));
    process.once('exit', (code) => failed(new Error(`${PROGRAM} ended with ${code}:\n${said}`)));
  });
  return address.catch((error: unknown) => {
    process.kill('SIGKILL');
    throw error;
  });
}
