/** The coarse time that relative times on the screen are measured against: it moves every 20 seconds. */
export class Clock {
  nowMs = $state(Date.now());

  static readonly STEP_MS = 20_000;

  /** Starts moving; the returned function stops it. */
  run(): () => void {
    const timer = setInterval(() => this.set(), Clock.STEP_MS);
    const set = () => this.set();
    document.addEventListener('visibilitychange', set);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', set);
    };
  }

  /** Moves to the present at once, as when a listing has just arrived. */
  set(): void {
    this.nowMs = Date.now();
  }
}
