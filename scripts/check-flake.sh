#!/usr/bin/env bash
# Checks flake.nix and flake.lock offline: flake.lock matches the inputs, everything evaluates on all four systems, the
# expected packages, shells and apps exist, the scripts are valid bash, and the image has the configuration of
# scripts/container/Containerfile. Nothing is built.
#
# nixpkgs is too large to fetch, so a small fake replaces it. The fake has only the attributes that flake.nix uses: it
# proves the syntax and the names of flake.nix, and nothing about nixpkgs.
#
# Leaves no files. Without nix, it prints how to install nix and succeeds; with CI=true, it installs nix or fails.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "check-flake: FAILED: $*" >&2
  exit 1
}

if ! command -v nix >/dev/null && [ "${CI:-}" = true ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "nix is not on PATH, and only root with apt-get can install it. CI must check the flake."
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends nix-bin; } >/dev/null ||
    fail "apt-get could not install nix-bin."
fi
if ! command -v nix >/dev/null; then
  echo "check-flake: skipped: nix is not on PATH. On Debian, run \"apt-get install nix-bin\"; elsewhere, use Nix's installer."
  exit 0
fi

work=$(mktemp -d)
cleanup() {
  # Files in a Nix store are read-only even for their owner.
  chmod -R u+w "$work" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# nix reads copies of both files, because in a git checkout it ignores files that git does not track.
mkdir -p "$work/flake/dist" "$work/nixpkgs" "$work/home"
echo 'process.exit(0)' >"$work/flake/dist/main.js"
cp "$top/flake.nix" "$top/flake.lock" "$work/flake/"

cat >"$work/nixpkgs/flake.nix" <<'NIX'
{
  outputs =
    { self }:
    let
      packagesOf =
        system:
        let
          isLinux = builtins.match ".*-linux" system != null;
          make = name: more: derivation ({ inherit name system; builder = "/bin/sh"; } // more);
          paths = map (package: assert package.type == "derivation"; "${package}");
          names = [ "git" "nixfmt-tree" "nodejs_24" "postgresql_17" "valkey" ] ++ (if isLinux then [ "chromium" ] else [ ]);
        in
        builtins.listToAttrs (map (name: { inherit name; value = make name { }; }) names)
        // {
          stdenv.hostPlatform = { inherit isLinux system; };
          runCommand = name: _: script: make name { inherit script; };
          mkShellNoCC = { packages }: make "shell" { inputs = paths packages; };
          writeShellApplication =
            { name, runtimeInputs ? [ ], text }:
            make name { inputs = paths runtimeInputs; script = builtins.toFile "script-${name}" (builtins.unsafeDiscardStringContext text); };
        }
        // (
          if isLinux then
            {
              dockerTools.buildLayeredImage =
                { name, tag, config }:
                make "${name}-image" { inherit tag; config = builtins.toJSON config; };
              buildFHSEnv =
                { name, targetPkgs, runScript }:
                { env = make name { inherit runScript; inputs = paths (targetPkgs self.legacyPackages.${system}); }; };
            }
          else
            { }
        );
    in
    {
      legacyPackages = builtins.listToAttrs (
        map (system: { name = system; value = packagesOf system; })
          [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" "x86_64-darwin" ]
      );
    };
}
NIX

# The exact names of the packages, shells and apps of every system. Each value is evaluated too.
cat >"$work/expected.nix" <<'NIX'
outputs:
let
  systems = [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ];
  same = what: given: expected:
    if given == expected then true
    else throw "${what}: ${builtins.toJSON given} instead of ${builtins.toJSON expected}";
  isLinux = system: builtins.match ".*-linux" system != null;
in
same "systems with packages" (builtins.attrNames outputs.packages) systems
&& same "systems with shells" (builtins.attrNames outputs.devShells) systems
&& same "systems with apps" (builtins.attrNames outputs.apps) systems
&& same "systems with a formatter" (builtins.attrNames outputs.formatter) systems
&& builtins.all (
  system:
  same "packages of ${system}" (builtins.attrNames outputs.packages.${system})
    ((if isLinux system then [ "container" ] else [ ]) ++ [ "default" ])
  && builtins.all (package: builtins.isString package.drvPath) (builtins.attrValues outputs.packages.${system})
  && same "shells of ${system}" (builtins.attrNames outputs.devShells.${system})
    ([ "default" ] ++ (if isLinux system then [ "nixos" ] else [ ]))
  && same "apps of ${system}" (builtins.attrNames outputs.apps.${system}) [ "default" "hydracore" "start" "test" ]
  && builtins.all (shell: builtins.isString shell.drvPath) (builtins.attrValues outputs.devShells.${system})
  && builtins.all (app: app.type == "app" && builtins.isString app.program) (builtins.attrValues outputs.apps.${system})
  && builtins.isString outputs.formatter.${system}.drvPath
) systems
NIX

# A temporary home, cache and store, so that nix needs no daemon and no privileges.
run_nix() {
  HOME="$work/home" XDG_CACHE_HOME="$work/home/cache" XDG_CONFIG_HOME="$work/home/config" \
    nix --extra-experimental-features "nix-command flakes" --store "$work/store" --offline --option build-users-group "" "$@"
}
fake_nixpkgs=(--no-write-lock-file --override-input nixpkgs "path:$work/nixpkgs")

# Prints the output of a command only if it fails.
quietly() {
  "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; return 1; }
}

quietly run_nix flake metadata --no-update-lock-file "path:$work/flake" ||
  fail "flake.nix cannot be read, or flake.lock does not match its inputs. If its inputs changed, run \"nix flake lock\" and commit flake.lock."
quietly run_nix flake check --no-build --all-systems "${fake_nixpkgs[@]}" "path:$work/flake" ||
  fail "flake.nix does not evaluate on every system."
quietly run_nix eval "${fake_nixpkgs[@]}" "path:$work/flake#." --apply "$(cat "$work/expected.nix")" ||
  fail "the flake's outputs differ from the expected ones."

# The image's configuration, compared with the Containerfile: each instruction's value, without the paths of node and main.js.
config=$(run_nix eval --raw "${fake_nixpkgs[@]}" "path:$work/flake#packages.x86_64-linux.container.config" 2>"$work/output") ||
  { cat "$work/output" >&2; fail "the image has no configuration."; }
# The project's npm packages include node.
PATH="$top/node_modules/.bin:$PATH" node - "$top/scripts/container/Containerfile" "$config" <<'JS' || fail "the image differs from scripts/container/Containerfile."
const { deepStrictEqual } = require("node:assert")
const [file, config] = process.argv.slice(2)
const lines = require("node:fs").readFileSync(file, "utf8").split("\n")
const valuesOf = (name) => lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
const listOf = (name) => JSON.parse(valuesOf(name)[0].replace(/^.*?CMD (?=\[)/, ""))
const nanoseconds = (name) => Number(new RegExp(`--${name}=(\\d+)s`).exec(valuesOf("HEALTHCHECK")[0])[1]) * 1e9
const found = JSON.parse(config)
const plain = (part) => part.replace(/^.*\/(node|main\.js)$/, "$1")
deepStrictEqual(
  {
    entry: found.Entrypoint.map(plain),
    command: found.Cmd,
    user: found.User,
    variables: found.Env,
    ports: Object.keys(found.ExposedPorts),
    signal: found.StopSignal,
    health: found.Healthcheck.Test.slice(1).map(plain),
    times: [found.Healthcheck.Interval, found.Healthcheck.Timeout, found.Healthcheck.StartPeriod]
  },
  {
    entry: listOf("ENTRYPOINT").map(plain),
    command: JSON.parse(valuesOf("CMD")[0]),
    user: valuesOf("USER")[0],
    variables: valuesOf("ENV"),
    ports: valuesOf("EXPOSE"),
    signal: valuesOf("STOPSIGNAL")[0],
    health: listOf("HEALTHCHECK"),
    times: ["interval", "timeout", "start-period"].map(nanoseconds)
  }
)
JS

# Without dist, the package still evaluates. Only its build fails, with a message that says what to run.
rm -r "$work/flake/dist"
quietly run_nix eval --raw "${fake_nixpkgs[@]}" "path:$work/flake#packages.x86_64-linux.default.drvPath" ||
  fail "the package does not evaluate without dist."

scripts=0
for script in "$work"/store/nix/store/*-script-*; do
  [ -f "$script" ] || continue
  bash -n "$script" || fail "a script is not valid bash."
  scripts=$((scripts + 1))
done
[ "$scripts" -gt 0 ] || fail "there is no script."

echo "check-flake: passed: flake.lock matches the inputs, and the packages, shells and apps of four systems evaluate."
