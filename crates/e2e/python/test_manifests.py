"""The manifests and settings of `docs/examples`: Kubernetes' own schemas take the manifests, `gwanmun check` takes what they configure, and
what must hold together does: one writer, nobody as root, time enough to end, a network that lets nothing else out."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import certifi
import kubernetes_validate
import yaml

EXAMPLES = pathlib.Path(os.environ["GWANMUN_EXAMPLES"])
# The oldest release whose pods may pause by `sleep` before they end without a feature gate, and the newest that is known here.
VERSIONS = ["1.30", "1.37"]


def manifests():
    for path in sorted((EXAMPLES / "kubernetes").glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, manifest


def named(kind, name):
    return next(it for _, it in manifests() if it["kind"] == kind and it["metadata"]["name"] == name)


def pods():
    for kind, name in [("StatefulSet", "gwanmun"), ("Deployment", "vllm")]:
        yield name, named(kind, name)["spec"]["template"]["spec"]


def findings(config, environment):
    command = [os.environ["GWANMUN_BINARY"], "check", "--json", "--config", str(config), "--data-dir", str(config.parent / "data")]
    told = subprocess.run(command, capture_output=True, env=environment, text=True, check=False)
    report = json.loads(told.stdout)
    return {finding["what"]: finding for finding in report["findings"]}, report.get("judged")


class Manifests(unittest.TestCase):
    def test_kubernetes_own_schemas_take_them(self):
        kinds = []
        for file, manifest in manifests():
            for version in VERSIONS:
                with self.subTest(file=file, kind=manifest["kind"], version=version):
                    kubernetes_validate.validate(manifest, version, strict=True)
            kinds.append(manifest["kind"])
        for kind in ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Service", "StatefulSet"]:
            self.assertIn(kind, kinds)

    def test_a_word_that_kubernetes_does_not_know_would_be_found(self):
        manifest = named("StatefulSet", "gwanmun")
        manifest["spec"]["template"]["spec"]["terminationGracePeriod"] = 45
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)

    def test_what_is_mounted_is_there(self):
        for name, pod in pods():
            there = {volume["name"] for volume in pod["volumes"]}
            there |= {claim["metadata"]["name"] for claim in named("StatefulSet", "gwanmun")["spec"]["volumeClaimTemplates"]}
            for container in pod["containers"]:
                self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, there, name)
        secret = named("Secret", "vllm-key")
        self.assertEqual(list(secret["stringData"]), ["key"])

    def test_services_and_probes_reach_a_port(self):
        for name, pod in pods():
            ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
            service = named("Service", name)["spec"]["ports"][0]
            self.assertEqual(ports[service["targetPort"]], service["port"], name)
            policy = named("NetworkPolicy", name)["spec"]
            self.assertEqual(policy["ingress"][0]["ports"], [{"port": service["port"]}], name)
            self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"], name)
            watchers = [peer for peer in policy["ingress"][0]["from"] if "monitoring" in json.dumps(peer)]
            self.assertEqual([peer["podSelector"]["matchLabels"] for peer in watchers], [{"app.kubernetes.io/name": "prometheus"}], name)
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"]:
                self.assertIn(pod["containers"][0][probe]["httpGet"]["port"], ports, name)
        paths = [named("StatefulSet", "gwanmun")["spec"]["template"]["spec"]["containers"][0][probe]["httpGet"]["path"]
                 for probe in ["readinessProbe", "livenessProbe"]]
        self.assertEqual(paths, ["/health/ready", "/health/live"])

    def test_nobody_is_root_and_nothing_is_written_outside_volumes(self):
        for name, pod in pods():
            self.assertTrue(pod["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(pod["securityContext"]["fsGroupChangePolicy"], "OnRootMismatch", name)
            for container in pod["containers"]:
                context = container["securityContext"]
                self.assertTrue(context["readOnlyRootFilesystem"], name)
                self.assertFalse(context["allowPrivilegeEscalation"], name)
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]}, name)

    def test_one_writer_with_time_to_end(self):
        spec = named("StatefulSet", "gwanmun")["spec"]
        self.assertEqual(spec["replicas"], 1)
        self.assertEqual(spec["volumeClaimTemplates"][0]["spec"]["accessModes"], ["ReadWriteOncePod"])
        pod = spec["template"]["spec"]
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        # As the command's own default: five seconds for the log, behind the answers under way.
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], pause + 25 + 5)
        vllm = named("Deployment", "vllm")["spec"]["template"]["spec"]
        pause = vllm["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain = next(int(word.split("=")[1]) for word in vllm["containers"][0]["args"] if word.startswith("--shutdown-timeout="))
        self.assertGreater(vllm["terminationGracePeriodSeconds"], pause + drain)


class Image(unittest.TestCase):
    def test_what_the_command_is_made_of_is_copied(self):
        """No image is built here; but what is compiled in from outside a crate must be among what the build is given."""
        root = EXAMPLES.resolve().parent.parent
        lines = (EXAMPLES / "Containerfile").read_text(encoding="utf-8").splitlines()
        build = lines[lines.index("WORKDIR /src"):next(at for at, line in enumerate(lines) if line.startswith("RUN cargo"))]
        copied = {word for line in build if line.startswith("COPY ") for word in line.split()[1:-1]}
        for word in copied:
            self.assertTrue((root / word).exists(), word)
        for source in root.glob("crates/*/src/**/*.rs"):
            if "tests" in source.parts or source.name == "tests.rs":
                continue
            for path in re.findall(r'include_(?:str|bytes)!\((?:concat!\()?"([./]+[a-z_]+)', source.read_text(encoding="utf-8")):
                top = (source.parent / path).resolve().relative_to(root).parts[0]
                self.assertIn(top, copied, source)

    def test_the_floor_is_where_the_settings_say(self):
        text = (EXAMPLES / "Containerfile").read_text(encoding="utf-8")
        self.assertIn(" /models/floor.gguf\n", text)
        self.assertIn('model = "/models/floor.gguf"', named("ConfigMap", "gwanmun")["data"]["gwanmun.toml"])
        user = named("StatefulSet", "gwanmun")["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
        self.assertIn(f"\nUSER {user}:", text)


class Settings(unittest.TestCase):
    def laid_out(self, folder):
        """The projected volume, as a node lays it out."""
        pod = named("StatefulSet", "gwanmun")["spec"]["template"]["spec"]
        volume = next(volume for volume in pod["volumes"] if volume["name"] == "settings")
        for source in volume["projected"]["sources"]:
            if "configMap" in source:
                files = named("ConfigMap", source["configMap"]["name"])["data"]
            else:
                secret = named("Secret", source["secret"]["name"])["stringData"]
                files = {item["path"]: secret[item["key"]] for item in source["secret"]["items"]}
            for path, text in files.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        return pod

    def test_the_command_takes_what_the_manifests_configure(self):
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            arguments = self.laid_out(folder)["containers"][0]["args"]
            self.assertEqual(arguments[arguments.index("--config") + 1], "/etc/gwanmun/gwanmun.toml")
            found, judged = findings(folder / "gwanmun.toml", {"HOME": place})
            self.assertEqual(found["configuration"]["verdict"], "good", found)
            self.assertEqual(found["policy"]["verdict"], "good", found)
            model = next(word for word in named("Deployment", "vllm")["spec"]["template"]["spec"]["containers"][0]["args"]
                         if word.startswith("--served-model-name=")).split("=")[1]
            self.assertIn(f"vllm/{model}", json.dumps(judged))
            # What the network lets out is what the configuration names.
            settings = (folder / "gwanmun.toml").read_text(encoding="utf-8")
            self.assertEqual(settings.count("[[destination]]"), 1)
            self.assertIn("http://vllm.gwanmun.svc.cluster.local:8000/v1", settings)

    def test_the_command_takes_the_examples(self):
        keys = {f"GWANMUN_{name}_KEY": "a-key" for name in ["VLLM", "SGLANG", "WORKSTATION"]}
        # Any authority will do where a file names one of its own; nothing is connected to.
        authorities = pathlib.Path(certifi.where()).read_text(encoding="utf-8")
        authority = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", authorities, re.DOTALL).group()
        files = sorted(EXAMPLES.glob("*.toml"))
        self.assertGreaterEqual(len(files), 4)
        for path in files:
            with self.subTest(path=path.name), tempfile.TemporaryDirectory() as place:
                config = pathlib.Path(place) / "gwanmun.toml"
                text = path.read_text(encoding="utf-8")
                config.write_text(text, encoding="utf-8")
                for name in re.findall(r'^ca +=\s*"([^"/]+)"', text, re.MULTILINE):
                    (config.parent / name).write_text(authority, encoding="utf-8")
                found, _ = findings(config, {"HOME": place, **keys})
                self.assertEqual(found["configuration"]["verdict"], "good", found)


if __name__ == "__main__":
    unittest.main()
