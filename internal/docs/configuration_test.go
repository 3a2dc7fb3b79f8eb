package docs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/weirhq/weir/internal/config"
)

// secret serves as any secret: it is long enough, and base64.
const secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"

// TestConfigurations loads every configuration that a document shows, with the files of secrets that it names.
func TestConfigurations(t *testing.T) {
	all := documents(t)
	shown := 0
	for _, d := range all {
		for _, b := range d.blocks {
			if b.info != "yaml weir.yaml" {
				continue
			}
			shown++
			t.Chdir(t.TempDir())
			files := map[string]string{"weir.yaml": b.text, "rules/none.yaml": "version: 1\nrules: []\n",
				"secrets/kafka": secret, "secrets/database": secret, "secrets/checkout": secret, "secrets/bob": secret, "secrets/webhook": secret}
			for name, text := range files {
				if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := config.Load(config.Sources{File: "weir.yaml"}); err != nil {
				t.Errorf("%s:%d: %v", d.path, b.line, err)
			}
		}
	}
	if shown == 0 {
		t.Error("no document shows a configuration")
	}
}
