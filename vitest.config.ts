import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A crash of the addon costs one file; two at once, because libtorch uses every core by itself.
    pool: 'forks',
    maxWorkers: 2,
    // Against hangs only: a machine that is busy with other things may take minutes over what a quiet one does in seconds.
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
})
