# Sourced by the launchers beside it, with `root` (the project) and `entry` (an app's main file) set: becomes that app,
# on the Node that the project brings, in the directory and with the arguments it was called with.
node=$root/node_modules/node/bin/node
if [ ! -x "$node" ] || [ ! -d "$root/${entry%%/src/*}/node_modules" ]; then
  printf '%s: dependencies are not installed: run "npm start" once in %s\n' "${0##*/}" "$root" >&2
  exit 69
fi
exec "$node" --conditions=@fleetwire/source "$root/$entry" "$@"
