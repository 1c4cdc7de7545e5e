import type { Reporter, TestModule, Vitest } from 'vitest/node'

interface Count {
  passed: number
  failed: number
}

/** Says `N passed, N failed` as the very last line of a run, and never 0 failed when nothing was proven. */
export default class Tally implements Reporter {
  #count: Count = { passed: 0, failed: 0 }
  #skippingFails = true

  onInit({ config }: Vitest): void {
    if (config.watch) return
    // `-t` skips whatever it does not name; any other skip hides an unproven claim.
    this.#skippingFails = config.testNamePattern === undefined
    // At exit, because the summary, the teardown and late errors are written after the run's end.
    process.once('exit', () => {
      const { passed, failed } = this.#verdict()
      if (failed > 0) process.exitCode = 1
      process.stdout.write(`\n${String(passed)} passed, ${String(failed)} failed\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    this.#count = { passed: 0, failed: errors.length }
    for (const module of modules) {
      const { passed, failed } = count(module, this.#skippingFails)
      this.#count.passed += passed
      this.#count.failed += failed
    }
  }

  /** A run that broke off, or that Vitest calls failed, has at least one failure. */
  #verdict(): Count {
    const { passed, failed } = this.#count
    const broken = passed === 0 || (process.exitCode ?? 0) !== 0
    return { passed, failed: failed === 0 && broken ? 1 : failed }
  }
}

function count(module: TestModule, skippingFails: boolean): Count {
  const states = [...module.children.allTests()].map((test) => test.result().state)
  const passed = states.filter((state) => state === 'passed').length
  const skipped = states.filter((state) => state === 'skipped').length
  const failed = states.length - passed - skipped + (skippingFails ? skipped : 0)
  // A file that does not load, or whose hook throws, may count no test at all.
  return { passed, failed: failed === 0 && module.state() === 'failed' ? 1 : failed }
}
