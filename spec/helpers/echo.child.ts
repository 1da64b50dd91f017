// A child for the tests of child.ts.
import { ClosedError } from '../../lib/error.js'
import { serve } from './serve.js'

let sum = 0

export const methods = {
  echo: (value: unknown) => value,
  add: (n: number) => (sum += n),
  argument: (i: number) => process.argv[2 + i],
  variable: (name: string) => process.env[name],
  later: async (value: string) => Promise.resolve(value),
  fail() {
    throw new ClosedError('shut')
  },
  print: (text: string) => console.log(text),
  die: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => new Promise<never>(() => {}),
}

serve(methods)
