// A small runner: tests in order, one line each, the sum at the end. A test's name is a sentence that holds.
const tests = [];
export const test = (name, act) => tests.push({ name, act });

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

/** Waits until `probe` gives something true; throws with what it last gave. */
export async function until(probe, ms, what) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function runAll(onFailure) {
  let passed = 0;
  let failed = 0;
  for (const { name, act } of tests) {
    const begun = Date.now();
    try {
      await act();
      passed += 1;
      console.log(`ok    ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}\n      ${String(error?.stack ?? error).split("\n").slice(0, 6).join("\n      ")}`);
      await onFailure?.(name).catch(() => {});
    }
  }
  return { passed, failed };
}
