// One process of the benchmark: prepares a store, measures one case, or helps one that does. Prints what it measured as JSON.
//   child.js prepare <workload> <contender> <case> <dir> <size> <scale>
//   child.js measure ...
//   child.js <helper> ... <arguments of the helper>
import { fork, type ChildProcess } from 'node:child_process'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { openContender } from './contenders.js'
import { ascending, changeEach, fill } from './people.js'
import { shuffled } from './person.js'
import type { Context, Helper, Starter } from './workload.js'
import { workload } from './workloads.js'

const [act = '', id = '', contender = '', label = '', dir = '', size = '0', scale = '1', ...rest] = argv.slice(2)
const asked = workload(id)
const given = [id, contender, label, dir, size, scale]

const context: Context = {
  contender,
  case: label,
  dir,
  size: Number(size),
  times: full => Math.max(1, Math.round(full * Number(scale))),
  open: async ({ durable = false } = {}) => openContender(contender, dir, { durable }),
  start: (helper, ...args) =>
    follow(fork(fileURLToPath(import.meta.url), [helper, ...given, ...args], { serialization: 'json' })),
}

if (act === 'measure') {
  console.log(JSON.stringify(await asked.measure(context)))
} else if (act === 'prepare') {
  await prepare()
} else {
  await asked.helpers?.[act]?.(context, starter())
  process.off('disconnect', abandoned)
  process.disconnect()
}

async function prepare(): Promise<void> {
  if (asked.begins === 'empty') return
  const store = await context.open()
  await fill(store, ascending(context.size))
  if (asked.begins === 'versions') await changeEach(store, shuffled(context.size), 1000)
  await store.close()
}

/** Whoever started it has gone. */
function abandoned(): void {
  process.exit(1)
}

function starter(): Starter {
  const heard: unknown[] = []
  const waiting: (() => void)[] = []
  process.on('disconnect', abandoned)
  process.on('message', message => {
    const next = waiting.shift()
    if (next === undefined) heard.push(message)
    else next()
  })
  return {
    args: rest,
    say: message => void process.send?.(message),
    told: () =>
      new Promise(resolve => {
        if (heard.shift() === undefined) waiting.push(resolve)
        else resolve()
      }),
  }
}

function follow(child: ChildProcess): Helper {
  const said: unknown[] = []
  const waiting: { readonly resolve: (message: unknown) => void; readonly reject: (error: Error) => void }[] = []
  const end = new Promise<void>((resolve, reject) => {
    child.on('exit', code => {
      const error = new Error(`a helper ended with ${String(code)}`)
      for (const { reject: fail } of waiting) fail(error)
      if (code === 0) resolve()
      else reject(error)
    })
  })
  end.catch(() => undefined)
  child.on('message', message => {
    const next = waiting.shift()
    if (next === undefined) said.push(message)
    else next.resolve(message)
  })
  return {
    process: child,
    hear: <T>() =>
      new Promise<T>((resolve, reject) => {
        if (said.length > 0) resolve(said.shift() as T)
        else waiting.push({ resolve: message => resolve(message as T), reject })
      }),
    tell: message => void child.send(message),
    ended: () => end,
  }
}
