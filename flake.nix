{
  description = "HydraCore's public edge: shells with everything that its scripts call, and apps for the scripts themselves";

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

      # What the npm scripts call and npm does not install, and what stands in for those programs of npm's that do not
      # run on a system (PostgreSQL on NixOS).
      tools = pkgs: [
        pkgs.nodejs_24
        pkgs.postgresql_17
        pkgs.valkey
      ];

      # nixpkgs has no Chromium for macOS.
      browsers = pkgs: if pkgs.stdenv.hostPlatform.isLinux then [ pkgs.chromium ] else [ ];

      # An app runs an npm script in the checkout that one stands in: npm installs into the checkout, which the copy in
      # the store does not allow.
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
                echo "Run this inside a checkout of hydracore-edge." >&2
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
        # On NixOS the programs that npm installs (node, biome, PostgreSQL) find no loader. This shell has one where they
        # look for it, so that there too everything runs in the versions that package-lock.json pins.
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
          start = app pkgs "start" "The service with a database and demo data of its own";
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
