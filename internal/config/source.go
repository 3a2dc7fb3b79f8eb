package config

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// layer is one source of settings: a tree of maps, lists and texts, and where each of its keys stands.
type layer struct {
	tree   map[string]any
	places map[string]string // by path
}

// Bounds of a configuration file.
const (
	maxFileBytes   = 1 << 20
	maxSecretBytes = 64 << 10
)

func readFile(path string) (layer, error) {
	data, err := readLimited(path, maxFileBytes)
	if err != nil {
		return layer{}, fmt.Errorf("configuration file: %w", err)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return layer{}, fmt.Errorf("%s:%d: %s", path, syntax.GetToken().Position.Line, syntax.GetMessage())
		}
		return layer{}, fmt.Errorf("%s: %w", path, err)
	}
	l := layer{tree: map[string]any{}, places: map[string]string{}}
	r := yamlReader{file: path, layer: &l}
	for i, document := range file.Docs {
		if i > 0 {
			return layer{}, fmt.Errorf("%s: holds several documents; want one", path)
		}
		if document.Body == nil {
			continue
		}
		tree, err := r.value(document.Body, "")
		if err != nil {
			return layer{}, err
		}
		switch tree := tree.(type) {
		case nil:
		case map[string]any:
			l.tree = tree
		default:
			return layer{}, fmt.Errorf("%s: want keys and values, such as \"region: eu\"", path)
		}
	}
	return l, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: has %d bytes, want at most %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}

// yamlReader turns YAML into a tree whose scalars are the texts as they are written: what they mean is for the key's
// type to say, not for YAML (which reads 010 as 8, and no as false).
type yamlReader struct {
	file  string
	layer *layer
}

func (r *yamlReader) value(node ast.Node, path string) (any, error) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return r.mapping(n.Values, path)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{n}, path)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, element := range n.Values {
			at := join(path, strconv.Itoa(i))
			r.layer.places[at] = r.place(element)
			value, err := r.value(element, at)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return nil, fmt.Errorf("%s: anchors, aliases, tags and merge keys are not read here; write the value out", r.place(node))
	}
	return node.GetToken().Value, nil
}

func (r *yamlReader) mapping(members []*ast.MappingValueNode, path string) (any, error) {
	tree := make(map[string]any, len(members))
	for _, member := range members {
		name := member.Key.GetToken().Value
		at := join(path, name)
		r.layer.places[at] = r.place(member.Key)
		value, err := r.value(member.Value, at)
		if err != nil {
			return nil, err
		}
		tree[name] = value
	}
	return tree, nil
}

func (r *yamlReader) place(node ast.Node) string {
	return r.file + ":" + strconv.Itoa(node.GetToken().Position.Line)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// EnvPrefix begins the variables that are settings: WEIR_API__LISTEN is api.listen.
const EnvPrefix = "WEIR_"

// ConfigVariable names the configuration file where no flag does.
const ConfigVariable = EnvPrefix + "CONFIG"

// foreignVariables begin with EnvPrefix and are no settings: of tests, and what Kubernetes sets for a service called weir.
func foreignVariable(name string) bool {
	for _, prefix := range []string{"TEST_", "CRASH_", "SERVICE_", "PORT_"} {
		if strings.HasPrefix(name, EnvPrefix+prefix) {
			return true
		}
	}
	return name == EnvPrefix+"PORT" || name == ConfigVariable
}

// readEnvironment takes the settings out of variables of the form NAME=value. Short names stand for the keys that
// clients of weir and the sandbox on its own need too.
func readEnvironment(environ []string) (layer, error) {
	short := map[string]string{
		EnvPrefix + "BROKERS": "kafka.brokers", EnvPrefix + "DATABASE_URL": "database.url",
		EnvPrefix + "SANDBOX_API_KEY": "sandbox.api_key", EnvPrefix + "SANDBOX_WEBHOOK_SECRET": "sandbox.webhook_secret",
	}
	l := layer{tree: map[string]any{}, places: map[string]string{}}
	sorted := append([]string(nil), environ...)
	sort.Strings(sorted)
	for _, variable := range sorted {
		name, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, EnvPrefix)
		if !ours || foreignVariable(name) {
			continue
		}
		path, ok := short[name]
		if !ok {
			path = strings.ToLower(strings.ReplaceAll(rest, "__", "."))
		}
		if err := l.set(path, value, "environment variable "+name); err != nil {
			return layer{}, err
		}
	}
	return l, nil
}

// Setting is a key that a flag sets.
type Setting struct {
	Key   string // such as kafka.brokers
	Value string // lists are separated by commas
	Flag  string // for messages, such as --brokers
}

func readFlags(settings []Setting) (layer, error) {
	l := layer{tree: map[string]any{}, places: map[string]string{}}
	for _, s := range settings {
		if err := l.set(s.Key, s.Value, "flag "+s.Flag); err != nil {
			return layer{}, err
		}
	}
	return l, nil
}

// set puts a value at a path, making the maps above it.
func (l *layer) set(path, value, place string) error {
	parts := strings.Split(path, ".")
	tree := l.tree
	for i, part := range parts[:len(parts)-1] {
		next, ok := tree[part]
		if !ok {
			next = map[string]any{}
			tree[part] = next
		}
		inner, ok := next.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: sets %s, and %s is set too; want one of them", place, path, strings.Join(parts[:i+1], "."))
		}
		tree = inner
		l.places[strings.Join(parts[:i+1], ".")] = place
	}
	last := parts[len(parts)-1]
	if _, ok := tree[last].(map[string]any); ok {
		return fmt.Errorf("%s: sets %s, and keys below it are set too; want one of them", place, path)
	}
	tree[last] = value
	l.places[path] = place
	return nil
}
