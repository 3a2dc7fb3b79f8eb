// Package reference generates the documents that follow from code: JSON Schemas and an AsyncAPI document from the
// catalogue of topics, the reference of the configuration from its struct, the ledger's handbook from its templates.
package reference

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/ledger/handbook"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing"
)

//go:generate go run ./generate ../../docs

// Topics are the documents of the topics: their content by path below the documents' directory.
func Topics() (map[string][]byte, error) {
	records, err := schemas()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, data := range records {
		files[filepath.Join("schemas", schemaFile(name))] = data
	}
	if files["asyncapi.yaml"], err = asyncAPI(); err != nil {
		return nil, err
	}
	return files, nil
}

// All are all generated documents.
func All() (map[string][]byte, error) {
	files, err := Topics()
	if err != nil {
		return nil, err
	}
	files["config.md"] = []byte(config.Markdown())
	files["decline-codes.md"] = []byte(declineCodes())
	for name, document := range map[string]func() (string, error){
		"chart-of-accounts.md": handbook.ChartOfAccounts, "posting-templates.md": handbook.PostingTemplates,
	} {
		text, err := document()
		if err != nil {
			return nil, err
		}
		files[name] = []byte(text)
	}
	if files[filepath.Join("schemas", "rules.schema.json")], err = rules.Schema(); err != nil {
		return nil, err
	}
	if files[filepath.Join("schemas", "routes.schema.json")], err = routing.Schema(); err != nil {
		return nil, err
	}
	return files, nil
}

// Write writes documents below a directory, making directories where they are missing.
func Write(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write documents: %w", err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("write documents: %w", err)
		}
	}
	return nil
}
