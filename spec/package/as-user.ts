// The package as its users get it: packed, and installed by npm into an empty folder.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'

export interface Outcome {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

/** A test's environment without what tap and an `npm test` around it have put there. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(NODE_OPTIONS|INIT_CWD|npm_(?!config_).*|npm_config_local_prefix)$/.test(name),
  ),
)

type Variables = Readonly<Record<string, string>>

/** Runs a command as somebody would who has a terminal open in `folder`. */
export function run(folder: string, command: string, args: readonly string[], more: Variables = {}): Promise<Outcome> {
  return new Promise(resolve => {
    execFile(command, args, { cwd: folder, env: { ...environment, ...more } }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, stdout, stderr })
    })
  })
}

/** The same; throws unless it succeeds. Returns what was printed. */
export async function succeed(folder: string, command: string, ...args: string[]): Promise<string> {
  return printed(await run(folder, command, args))
}

function printed({ code, stdout, stderr }: Outcome): string {
  if (code !== 0) throw new Error(`ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

/** Runs a program of this source, in a file of this name. */
export function runProgram(folder: string, name: string, source: string): Promise<Outcome> {
  writeFileSync(join(folder, name), source)
  return run(folder, ...plainNode(name))
}

/** Packs what has been compiled into dist/. Returns the path of the tarball. */
export async function pack(t: Test): Promise<string> {
  const folder = tempDir(t)
  const flags = ['--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
  await succeed(projectRoot, 'npm', 'pack', ...flags)
  const { name, version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  return join(folder, `${name}-${version}.tgz`)
}

/** Installs the tarball into a folder that is empty but for a package.json: without one, npm would look further up. */
export async function install(
  t: Test,
  tarball: string,
  flags: readonly string[],
  env: Variables = {},
): Promise<string> {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...flags, tarball]
  printed(await run(folder, 'npm', args, env))
  return folder
}
