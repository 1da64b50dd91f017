// The child's side of a stepped process: carries out what the test asks for, one JSON line a request, one a reply.
import { createInterface } from 'node:readline'

/** What a child can be asked to do. Arguments and results go as JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the signatures are the child's own; `child` checks each call against them
export type Methods = Record<string, (...args: any[]) => unknown>

export interface Request {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

/** `error` carries name, code, message, stack and every fact that the error has as a field. */
export interface Reply {
  readonly reply: number
  readonly value?: unknown
  readonly error?: Readonly<Record<string, unknown>>
}

/**
 * Answers requests on stdin until it ends, which it does when the test process is gone, however it went.
 * Lines that the child prints otherwise become comments of the test.
 */
export function serve(methods: Methods): void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => {
    const { id, name, args } = JSON.parse(line) as Request
    void answer(methods, id, name, args).then(reply => process.stdout.write(reply + '\n'))
  })
  lines.on('close', () => process.exit(0))
  process.stdout.write('{"reply":0}\n')
}

async function answer(methods: Methods, id: number, name: string, args: readonly unknown[]): Promise<string> {
  const encode = (outcome: Omit<Reply, 'reply'>): string => JSON.stringify({ reply: id, ...outcome } satisfies Reply)
  try {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (!method) throw new TypeError(`this child has no method ${name}`)
    return encode({ value: await method(...args) })
  } catch (thrown) {
    if (!(thrown instanceof Error)) return encode({ error: { name: 'Error', message: `thrown: ${String(thrown)}` } })
    return encode({ error: { ...thrown, name: thrown.name, message: thrown.message, stack: thrown.stack } })
  }
}
