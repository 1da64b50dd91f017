// The examples in the doc comments of the collections run, and print what they say.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { PersistentCounter, PersistentList, PersistentMap, PersistentQueue, PersistentSet } from '../../lib/index.js'
import { printed } from '../helpers/printed.js'
import { projectRoot } from '../helpers/project-root.js'

for (const file of ['persistent-map', 'persistent-set', 'persistent-list', 'persistent-queue', 'persistent-counter']) {
  t.test(`the example of ${file}`, async t => {
    const source = readFileSync(join(projectRoot, 'lib/collection', `${file}.ts`), 'utf8')
    const example = /```ts\n([\s\S]*?)```/.exec(source)?.[1]?.replaceAll(/^ \* ?/gm, '') ?? ''
    const expected = Array.from(example.matchAll(/console\.log.*\/\/ (.*)/g), ([, text]) => text)
    t.not(expected.length, 0)
    const lines: string[] = []
    const log = (...values: unknown[]): number =>
      lines.push(values.map(value => (typeof value === 'string' ? value : printed(value))).join(' '))
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is this project's own
    const run = new Function(
      'PersistentList',
      'PersistentMap',
      'PersistentSet',
      'PersistentQueue',
      'PersistentCounter',
      'console',
      ts.transpile(example, { target: ts.ScriptTarget.ES2022 }),
    ) as (...args: unknown[]) => void
    run(PersistentList, PersistentMap, PersistentSet, PersistentQueue, PersistentCounter, { log })
    t.same(lines, expected)
  })
}
