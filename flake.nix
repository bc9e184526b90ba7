{
  description = "HydraCore's public edge: shells with the tools that its scripts need, apps that run the scripts, and packages of what `npm run build` makes";

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
      # on some systems, such as PostgreSQL on NixOS.
      tools = pkgs: [
        pkgs.nodejs_24
        pkgs.postgresql_17
        pkgs.valkey
      ];

      # nixpkgs has no Chromium for macOS.
      browsers = pkgs: if pkgs.stdenv.hostPlatform.isLinux then [ pkgs.chromium ] else [ ];

      # An app runs an npm script in the checkout of the current directory, because npm installs into the checkout, and the
      # copy in the Nix store is read-only.
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

      # What `npm run build` makes. npm's packages are bundled into it, so that nix fetches nothing. git does not track it:
      # run `npm run build`, then `nix build path:.` or `nix build path:.#container`.
      dist =
        pkgs:
        if builtins.pathExists ./dist/main.js then
          builtins.path {
            name = "hydracore-edge-dist";
            path = ./dist;
          }
        else
          pkgs.runCommand "hydracore-edge-dist" { } ''
            echo "dist is missing: run \"npm run build\", and build \"path:.\", since git does not track dist." >&2
            exit 1
          '';

      # As in package.json: less memory, and no long garbage collections.
      flags = [
        "--max-semi-space-size=8"
        "--heap-growing-percent=60"
        "--no-allocation-site-pretenuring"
      ];

      # `hydracore`: the command line, with its own Node.
      package =
        pkgs:
        pkgs.writeShellApplication {
          name = "hydracore";
          runtimeInputs = [ pkgs.nodejs_24 ];
          text = ''
            exec node ${builtins.concatStringsSep " " flags} ${dist pkgs}/main.js "$@"
          '';
        };

      # An image as `scripts/container/Containerfile` makes it: the same variables, user, command and health check.
      container =
        pkgs:
        let
          node = "${pkgs.nodejs_24}/bin/node";
        in
        pkgs.dockerTools.buildLayeredImage {
          name = "hydracore-edge";
          tag = "latest";
          config = {
            Entrypoint = [ node ] ++ flags ++ [ "${dist pkgs}/main.js" ];
            Cmd = [ "serve" ];
            User = "10001:10001";
            Env = [
              "NODE_ENV=production"
              "HOST=0.0.0.0"
              "PORT=8080"
            ];
            ExposedPorts."8080" = { };
            StopSignal = "SIGTERM";
            # Times in nanoseconds.
            Healthcheck = {
              Test = [
                "CMD"
                node
                "-e"
                "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
              ];
              Interval = 10000000000;
              Timeout = 5000000000;
              StartPeriod = 60000000000;
            };
          };
        };
    in
    {
      packages = eachSystem (
        pkgs:
        {
          default = package pkgs;
        }
        # An image contains programs for Linux.
        // (if pkgs.stdenv.hostPlatform.isLinux then { container = container pkgs; } else { })
      );

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
