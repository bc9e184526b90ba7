{
  description = "HydraCore's public edge: shells with the tools that its scripts need, and apps that run the scripts";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
        "x86_64-darwin"
      ];

      eachSystem =
        f:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = f nixpkgs.legacyPackages.${system};
          }) systems
        );

      # Tools that the npm scripts need and npm does not install, and replacements for programs from npm that do not run
      # on a system (PostgreSQL on NixOS).
      tools = pkgs: [
        pkgs.nodejs_24
        pkgs.postgresql_17
        pkgs.valkey
      ];

      # nixpkgs has no Chromium for macOS.
      browsers = pkgs: if pkgs.stdenv.hostPlatform.isLinux then [ pkgs.chromium ] else [ ];

      # An app runs an npm script in the checkout of the current directory: npm installs into the checkout, and the copy in
      # the Nix store is read-only.
      app =
        pkgs: script: description:
        let
          name = "hydracore-edge-${script}";
          program = pkgs.writeShellApplication {
            inherit name;
            runtimeInputs = tools pkgs;
            text = ''
              top=$(npm prefix)
              if ! grep -qs '"name": "hydracore-edge"' "$top/package.json"; then
                echo "Run this command inside a checkout of hydracore-edge." >&2
                exit 1
              fi
              cd "$top"
              exec npm run -s ${script} -- "$@"
            '';
          };
        in
        {
          type = "app";
          program = "${program}/bin/${name}";
          meta = { inherit description; };
        };
    in
    {
      devShells = eachSystem (
        pkgs:
        {
          default = pkgs.mkShellNoCC { packages = tools pkgs ++ browsers pkgs ++ [ pkgs.git ]; };
        }
        # Programs that npm installs (node, biome, PostgreSQL) need a loader that NixOS does not have. This shell provides
        # it, so that they run in the versions that package-lock.json pins.
        // (
          if pkgs.stdenv.hostPlatform.isLinux then
            {
              nixos =
                (pkgs.buildFHSEnv {
                  name = "hydracore-edge";
                  targetPkgs = pkgs: tools pkgs ++ browsers pkgs ++ [ pkgs.git ];
                  runScript = "bash";
                }).env;
            }
          else
            { }
        )
      );

      apps = eachSystem (
        pkgs:
        let
          start = app pkgs "start" "The service with its own database and demo data";
        in
        {
          inherit start;
          default = start;
          test = app pkgs "test" "Types, lint and every test";
          hydracore = app pkgs "hydracore" "The command line";
        }
      );

      formatter = eachSystem (pkgs: pkgs.nixfmt-tree);
    };
}
