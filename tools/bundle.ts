// Puts what has been compiled into two files, the library and the command: a program that has to find and link a hundred and
// thirty modules takes longer to start by a tenth of a second. Changes nothing else, no name either; the maps lead to the sources.
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup, type Plugin } from 'rollup'

const dist = fileURLToPath(new URL('..', import.meta.url))

/** The maps of the compiled files, so that those of the bundles begin where they do. */
const maps: Plugin = {
  name: 'maps',
  load: id => ({ code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }),
}

for (const [entry, file] of [
  ['lib/index.js', 'perdure.js'],
  ['tools/cli/main.js', 'command.js'],
] as const) {
  const bundle = await rollup({
    input: dist + entry,
    external: id => !id.startsWith('.') && !isAbsolute(id),
    plugins: [maps],
    treeshake: false,
    onwarn: ({ code, message }) => {
      // Modules that know each other are put in the order in which they would be evaluated.
      if (code !== 'CIRCULAR_DEPENDENCY') throw new Error(message)
    },
  })
  const { output } = await bundle.write({ file: dist + file, format: 'es', sourcemap: true })
  // With one other character in it the engine would keep all of it, for as long as the process lives, with two bytes for each.
  if (/[\u0100-\uffff]/.test(output[0].code)) throw new Error(`${file} has characters that are not Latin-1`)
  await bundle.close()
}
