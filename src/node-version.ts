// Imported first, so that an old Node is told in words instead of by whatever breaks first.
const oldest = 24

if (Number(process.versions.node.split('.', 1)[0]) < oldest) {
  process.stderr.write(
    `flux-relay needs Node ${oldest} or newer; this is ${process.versions.node}.\n` +
      'In a checkout, `npm start` and `npm run relay -- <command>` use the one that npm installed.\n'
  )
  process.exit(2)
}
