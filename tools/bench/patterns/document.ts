// One document of plain data, which grows: in Perdure fields of the root, beside a file that is written as a whole, as stores of JSON do it.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../../lib/index.js'

interface Task {
  id: number
  title: string
  done: boolean
  tags: string[]
  by: { name: string }
}

interface Content {
  list: Task[]
  byName: Record<string, Task>
}

/** Every act is one transaction. */
export interface Document {
  change(act: (content: Content) => void): void
  close(): void
}

export const task = (id: number): Task => ({
  id,
  title: `what is to be done ${id}`,
  done: false,
  tags: ['a', `b${id % 7}`],
  by: { name: `user ${id % 50}` },
})

function openPerdure(dir: string): Document {
  const root: Content = { list: [], byName: {} }
  const db = open(join(dir, 'document.db'), { root, durability: 'os' })
  return {
    change: act => db.transact(act),
    close: () => db.close(),
  }
}

function openJson(dir: string): Document {
  const path = join(dir, 'document.json')
  let content: Content = { list: [], byName: {} }
  try {
    content = JSON.parse(readFileSync(path, 'utf8')) as Content
  } catch {
    // there is none yet
  }
  return {
    change(act) {
      act(content)
      writeFileSync(`${path}.new`, JSON.stringify(content))
      renameSync(`${path}.new`, path)
    },
    close: () => undefined,
  }
}

export const DOCUMENTS: Readonly<Record<string, (dir: string) => Document>> = { perdure: openPerdure, JSON: openJson }

/** With so many tasks in each part. */
export const DOCUMENT_STEPS: Readonly<Record<string, (content: Content, n: number, size: number) => void>> = {
  'one put in, and one taken out': ({ list }, n, size) => {
    list.push(task(size + n))
    list.shift()
  },
  'one changed': ({ list }, n, size) => {
    const found = list[(n * 7) % size]
    if (found) found.done = !found.done
  },
  'found and changed': ({ list }, n, size) => {
    const found = list.find(({ id }) => id === (n * 7) % size)
    if (found) found.title = `another title ${n}`
  },
  'one replaced': ({ byName }, n, size) => {
    byName[`task ${(n * 7) % size}`] = task(n)
  },
}
