#!/usr/bin/env bash
# Checks flake.nix and flake.lock without a network: that they are in step with each other, that everything in the flake
# evaluates on all four systems, that the shells and apps are there, and that the apps' scripts are sound bash.
#
# nixpkgs itself is too large to fetch for this, so a small flake stands in for it, which has the attributes that ours
# takes and no other. It proves our syntax and our names, and nothing about nixpkgs.
#
# Leaves nothing behind. Without nix it says how to get it and ends well; with CI=true it installs nix or fails.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "check-flake: FAILED: $*" >&2
  exit 1
}

if ! command -v nix >/dev/null && [ "${CI:-}" = true ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "there is no nix on PATH, and only root with apt-get could install it; CI must check the flake."
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends nix-bin; } >/dev/null ||
    fail "apt-get could not install nix-bin."
fi
if ! command -v nix >/dev/null; then
  echo "check-flake: skipped: there is no nix on PATH. On Debian, \"apt-get install nix-bin\" brings it; elsewhere, Nix's installer."
  exit 0
fi

work=$(mktemp -d)
cleanup() {
  # What is in a store is read-only, for its owner too.
  chmod -R u+w "$work" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# Copies of the two files as they are, committed or not: in a git checkout, nix sees only what git tracks.
mkdir "$work/flake" "$work/nixpkgs" "$work/home"
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
          mkShellNoCC = { packages }: make "shell" { inputs = paths packages; };
          writeShellApplication =
            { name, runtimeInputs, text }:
            make name { inputs = paths runtimeInputs; script = builtins.toFile "script-${name}" text; };
        }
        // (
          if isLinux then
            {
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

# The exact outputs: the names of the shells and apps of every system, with what each evaluates to forced.
cat >"$work/expected.nix" <<'NIX'
outputs:
let
  systems = [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ];
  same = what: given: expected:
    if given == expected then true
    else throw "${what}: ${builtins.toJSON given} instead of ${builtins.toJSON expected}";
  isLinux = system: builtins.match ".*-linux" system != null;
in
same "systems with shells" (builtins.attrNames outputs.devShells) systems
&& same "systems with apps" (builtins.attrNames outputs.apps) systems
&& same "systems with a formatter" (builtins.attrNames outputs.formatter) systems
&& builtins.all (
  system:
  same "shells of ${system}" (builtins.attrNames outputs.devShells.${system})
    ([ "default" ] ++ (if isLinux system then [ "nixos" ] else [ ]))
  && same "apps of ${system}" (builtins.attrNames outputs.apps.${system}) [ "default" "hydracore" "start" "test" ]
  && builtins.all (shell: builtins.isString shell.drvPath) (builtins.attrValues outputs.devShells.${system})
  && builtins.all (app: app.type == "app" && builtins.isString app.program) (builtins.attrValues outputs.apps.${system})
  && builtins.isString outputs.formatter.${system}.drvPath
) systems
NIX

# A home, caches and a store of this run's own, so that it needs no daemon and no rights.
run_nix() {
  HOME="$work/home" XDG_CACHE_HOME="$work/home/cache" XDG_CONFIG_HOME="$work/home/config" \
    nix --extra-experimental-features "nix-command flakes" --store "$work/store" --offline --option build-users-group "" "$@"
}
stand_in=(--no-write-lock-file --override-input nixpkgs "path:$work/nixpkgs")

quietly() {
  "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; return 1; }
}

quietly run_nix flake metadata --no-update-lock-file "path:$work/flake" ||
  fail "flake.nix cannot be read, or flake.lock is not in step with its inputs. For the latter, run \"nix flake lock\" and commit flake.lock."
quietly run_nix flake check --no-build --all-systems "${stand_in[@]}" "path:$work/flake" ||
  fail "flake.nix does not evaluate on every system."
quietly run_nix eval "${stand_in[@]}" "path:$work/flake#." --apply "$(cat "$work/expected.nix")" ||
  fail "the flake's outputs are not the ones that are expected."

scripts=0
for script in "$work"/store/nix/store/*-script-*; do
  [ -f "$script" ] || continue
  bash -n "$script" || fail "an app's script is not sound bash."
  scripts=$((scripts + 1))
done
[ "$scripts" -gt 0 ] || fail "no script of an app was found."

echo "check-flake: passed: flake.lock is in step, and the shells and apps of four systems evaluate."
