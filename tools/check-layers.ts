// Reads what every file of lib/ and tools/cli/ imports and which globals it uses, and reports each that its layer must
// not know. It looks at syntax only: a name that a file declares itself is taken to be that, not the global.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { argv, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Each layer knows itself and those before it. */
const LAYERS = ['lib/error.ts', 'lib/file/', 'lib/log/', 'lib/store/', 'lib/object/', 'lib/collection/', 'lib/index.ts']

/** The layer that alone meets the outside world: disk, clock, timers and randomness. */
const OUTSIDE = 'lib/file/'
const OUTSIDE_MODULES = new Set(
  ['fs', 'fs/promises', 'timers', 'timers/promises', 'crypto', 'perf_hooks', 'child_process', 'worker_threads', 'net']
    .flatMap(name => [name, `node:${name}`])
    .concat('fs-ext'),
)
const OUTSIDE_GLOBALS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'performance', 'crypto'])
const OUTSIDE_MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'Atomics.wait',
  'Atomics.waitAsync',
  'process.hrtime',
  'process.uptime',
])

const LIB_PACKAGES = new Set(['msgpackr', 'crc-32', 'fs-ext'])
const CLI = 'tools/cli/'
const CLI_PACKAGES = new Set(['commander'])

export interface Finding {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** All findings below `root`, the folder that holds lib/ and tools/. */
export function checkLayers(root: string): Finding[] {
  return [...sources(root, 'lib'), ...sources(root, 'tools/cli')].flatMap(file =>
    checkFile(file, readFileSync(join(root, file), 'utf8')),
  )
}

function sources(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

const layerOf = (path: string): number =>
  LAYERS.findIndex(layer => (layer.endsWith('/') ? path.startsWith(layer) : path === layer))

/** Findings of one file; `file` is its path below the root, with forward slashes. */
export function checkFile(file: string, text: string): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const findings: Finding[] = []
  const report = (node: ts.Node, message: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    findings.push({ file, line: line + 1, message })
  }

  const inLib = !file.startsWith(CLI)
  if (inLib && layerOf(file) < 0) report(source, 'belongs to no layer')
  const ownNames = declaredNames(source)

  const visit = (node: ts.Node): void => {
    const specifier = importedModule(node)
    if (specifier) {
      const complaint = inLib ? complaintInLib(file, specifier.text) : complaintInCli(file, specifier.text)
      if (complaint) report(node, complaint)
    }
    if (inLib && !file.startsWith(OUTSIDE)) {
      const use = outsideUse(node, ownNames)
      if (use) report(node, `only ${OUTSIDE} may use ${use}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return findings
}

/** The module that a node imports, in any of the ways to do so, types included. */
function importedModule(node: ts.Node): ts.StringLiteralLike | undefined {
  const literal = (n: ts.Node | undefined) => (n && ts.isStringLiteralLike(n) ? n : undefined)
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier)
  if (ts.isExternalModuleReference(node)) return literal(node.expression)
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined
  if (!ts.isCallExpression(node)) return undefined
  const argument = literal(node.arguments[0])
  if (!argument) return undefined
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return argument
  // require('x'), createRequire(...)('x') under any name
  const required = ts.isIdentifier(node.expression) && node.expression.text === 'require'
  return required || OUTSIDE_MODULES.has(argument.text) ? argument : undefined
}

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

const isRelative = (specifier: string): boolean => specifier.startsWith('.') || specifier.startsWith('/')

const target = (file: string, specifier: string): string => posix.join(dirname(file), specifier).replace(/\.js$/, '.ts')

function complaintInLib(file: string, specifier: string): string | undefined {
  if (OUTSIDE_MODULES.has(specifier)) {
    return file.startsWith(OUTSIDE) ? undefined : `only ${OUTSIDE} may import ${specifier}`
  }
  if (!isRelative(specifier)) {
    if (specifier.startsWith('node:') || LIB_PACKAGES.has(packageOf(specifier))) return undefined
    return `lib/ does not depend on ${specifier}`
  }
  const path = target(file, specifier)
  const [from, to] = [layerOf(file), layerOf(path)]
  if (to < 0) return `${path} belongs to no layer of lib/`
  return to > from && from >= 0 ? `${LAYERS[from]} must not know ${path}` : undefined
}

function complaintInCli(file: string, specifier: string): string | undefined {
  if (isRelative(specifier)) {
    const path = target(file, specifier)
    return path.startsWith('lib/') || path.startsWith(CLI) ? undefined : `${CLI} must not know ${path}`
  }
  if (specifier.startsWith('node:') || CLI_PACKAGES.has(packageOf(specifier))) return undefined
  return `${CLI} prints what lib/ tells it; it does not depend on ${specifier}`
}

/** The clock, timer or source of randomness that a node uses, as it is written in full. */
function outsideUse(node: ts.Node, ownNames: ReadonlySet<string>): string | undefined {
  const global = (n: ts.Node): string | undefined => globalName(n, ownNames)

  if (ts.isNewExpression(node) || ts.isCallExpression(node)) {
    if (global(node.expression) === 'Date' && (ts.isCallExpression(node) || !node.arguments?.length)) return 'the clock'
  }
  if (ts.isIdentifier(node) && isValue(node)) {
    const name = global(node)
    return name !== undefined && OUTSIDE_GLOBALS.has(name) ? name : undefined
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer) {
    const owner = global(node.initializer)
    const taken = node.name.elements.map(element => (element.propertyName ?? element.name).getText())
    return taken.map(name => outsideName(owner, name)).find(Boolean)
  }
  const access = member(node)
  return access && outsideName(global(access.owner), access.name)
}

/** Whether an identifier stands for a value, rather than naming a member, a declaration or a type. */
function isValue(node: ts.Identifier): boolean {
  const parent: ts.Node & { readonly name?: ts.Node; readonly propertyName?: ts.Node } = node.parent
  if (ts.isShorthandPropertyAssignment(parent)) return true
  return parent.name !== node && parent.propertyName !== node && !ts.isTypeNode(parent)
}

function outsideName(owner: string | undefined, name: string): string | undefined {
  if (owner === 'globalThis') return OUTSIDE_GLOBALS.has(name) ? name : undefined
  return OUTSIDE_MEMBERS.has(`${owner}.${name}`) ? `${owner}.${name}` : undefined
}

/** The global that an expression stands for: `Date` and `globalThis.Date` alike. */
function globalName(node: ts.Node, ownNames: ReadonlySet<string>): string | undefined {
  if (ts.isIdentifier(node)) return ownNames.has(node.text) ? undefined : node.text
  const access = member(node)
  return access && globalName(access.owner, ownNames) === 'globalThis' ? access.name : undefined
}

/** `owner.name` or `owner['name']`. */
function member(node: ts.Node): { owner: ts.Expression; name: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) return { owner: node.expression, name: node.name.text }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return { owner: node.expression, name: node.argumentExpression.text }
  }
  return undefined
}

/** Names of variables, parameters, functions, classes and imports of a file, wherever in it they are declared. */
function declaredNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node)
    if (declares && node.name && ts.isIdentifier(node.name)) names.add(node.name.text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const findings = checkLayers(process.cwd())
  for (const { file, line, message } of findings) console.error(`${file}:${line}: ${message}`)
  exit(findings.length > 0 ? 1 : 0)
}
