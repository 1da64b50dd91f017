import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Isolation } from '../../lib/index.js'
import { child, ChildError, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import { anomalies } from './anomalies.js'
import type { SteppedMethods } from './stepped.child.js'

const script = new URL('./stepped.child.js', import.meta.url)
const DIVISORS: Readonly<Record<string, number>> = { thirds: 3, fifths: 5 }

/** Carries out one line; returns what came of it, in the words of the script. */
async function perform(c: Child<SteppedMethods>, line: string): Promise<string> {
  const [verb = '', ...words] = line.split(' ')
  const table = words.at(-1) === 'elsewhere' ? 'others' : 'rows'
  const [name = '', , value] = words
  try {
    switch (verb) {
      case 'reads':
        return String(await c.call('read', name))
      case 'finds':
        return (await c.call('divisible', table, DIVISORS[name] ?? NaN)).join(', ') || 'none'
      case 'has':
        return String(await c.call('has', name))
      case 'counts':
        return String(await c.call('count'))
      case 'writes':
        await c.call('write', name, Number(value))
        break
      case 'inserts':
        await c.call('insert', table, name, Number(value))
        break
      case 'removes':
        await c.call('remove', name)
        break
      case 'commits':
        await c.call('commit')
        break
      case 'aborts':
        await c.call('abort')
        break
      default:
        throw new Error(`what is ${line}?`)
    }
    return 'ok'
  } catch (error) {
    if (!(error instanceof ChildError) || error.code !== 'WRITE_CONFLICT') throw error
    await c.call('abort')
    return 'conflict'
  }
}

async function play(t: Test, children: Child<SteppedMethods>[], lines: string, isolation: Isolation, packs: boolean) {
  const [packer] = children
  for (const each of children) await each.call('abort')
  await packer?.call('reset', { x: 10, y: 20 })
  for (const line of lines.trim().split('\n')) {
    const [statement = '', expected = 'ok'] = line.trim().split(': ')
    const [serializable, snapshot = serializable] = expected.split('/')
    const c = children[Number(statement[1]) - 1]
    if (!c) throw new Error(`whose is ${line}?`)
    t.equal(await perform(c, statement.slice(3)), isolation === 'serializable' ? serializable : snapshot, statement)
    if (packs) await packer?.call('pack')
  }
}

for (const isolation of ['serializable', 'snapshot'] as const) {
  t.test(`${isolation}: what becomes of the published anomalies`, async t => {
    const path = join(tempDir(t), 'app.db')
    const children = await Promise.all([1, 2, 3].map(() => child<SteppedMethods>(t, script, [path, isolation])))
    for (const { name, script } of anomalies) {
      await t.test(name, t => play(t, children, script, isolation, false))
      await t.test(`${name}, with a pack after each statement`, t => play(t, children, script, isolation, true))
    }
  })
}
