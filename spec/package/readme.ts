// The programs and commands that README.md shows, taken from it so that they cannot differ from what is tested.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../helpers/project-root.js'

const text = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].flatMap(([, tag, body = '']) => (tag === language ? [body] : []))

/** Whole programs. A block that imports nothing goes on where the one before it stops, before that closes its store. */
export const programs: readonly string[] = blocks('ts').reduce<string[]>((all, block) => {
  const last = all.at(-1) ?? ''
  return [...all, /^import /m.test(block) ? block : `${last.replace(/^db\.close\(\)\n/m, '')}\n${block}\ndb.close()\n`]
}, [])

/** The arguments of the commands that begin with `npx perdure`. */
export const commands: readonly (readonly string[])[] = blocks('sh').flatMap(block =>
  [...block.matchAll(/^npx perdure ([^#\n]*)/gm)].map(([, line = '']) => line.trim().split(' ')),
)

/** Files that it leads to. */
export const links: readonly string[] = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path)
