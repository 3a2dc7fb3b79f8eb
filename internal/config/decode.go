package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/internal/spelling"
)

// Error is one key that is wrong: where it stands, what it is called, what is wrong with it and what would be right.
type Error struct {
	Place   string // "weir.yaml:12", "environment variable WEIR_REGION", "flag --region"; "" for a default
	Key     string
	Problem string
}

func (e *Error) Error() string {
	if e.Place == "" {
		return e.Key + ": " + e.Problem
	}
	return e.Place + ": " + e.Key + ": " + e.Problem
}

// decoder fills a Config from a merged tree and collects what is wrong with it.
type decoder struct {
	places map[string]string
	errs   []error
}

func (d *decoder) fail(path, format string, args ...any) {
	d.errs = append(d.errs, &Error{Place: d.place(path), Key: path, Problem: fmt.Sprintf(format, args...)})
}

// place is where a key or the nearest key above it was set.
func (d *decoder) place(path string) string {
	for path != "" {
		if place, ok := d.places[path]; ok {
			return place
		}
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return ""
}

func (d *decoder) object(v reflect.Value, node any, path string) {
	tree, ok := node.(map[string]any)
	if !ok {
		d.fail(path, "want keys below it, such as %s", join(path, fieldsOf(v.Type())[0].name))
		return
	}
	fields := fieldsOf(v.Type())
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := join(path, name)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i >= 0 {
			d.value(v.Field(fields[i].index), tree[name], at)
			continue
		}
		base := strings.TrimSuffix(name, "_file")
		i = slices.IndexFunc(fields, func(f field) bool { return f.name == base && isSecret(f.typ) })
		if i < 0 || base == name {
			d.unknown(fields, at, path, name)
			continue
		}
		if other, both := tree[base]; both && other != nil {
			d.fail(at, "is set, and %s too; want one of them", join(path, base))
			continue
		}
		d.secretFile(v.Field(fields[i].index), tree[name], at)
	}
}

func (d *decoder) unknown(fields []field, at, path, name string) {
	if strings.Contains(name, ".") {
		d.fail(at, "is no key; keys stand below each other: %s", strings.ReplaceAll(name, ".", ": ")+": …")
		return
	}
	if now, ok := moved[name]; ok && slices.ContainsFunc(fields, func(f field) bool { return f.name == "webhook" }) {
		d.fail(at, "is no key; want %s", join(path, now))
		return
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
		if isSecret(f.typ) {
			names = append(names, f.name+"_file")
		}
	}
	if best := spelling.Nearest(name, names, max(2, len(name)/3)); best != "" {
		d.fail(at, "is no key; did you mean %s?", join(path, best))
		return
	}
	// A key that stands elsewhere in the tree is as likely as a misspelt one.
	for _, key := range Keys() {
		if strings.HasSuffix("."+key.Path, "."+name) {
			d.fail(at, "is no key; did you mean %s?", key.Path)
			return
		}
	}
	d.fail(at, "is no key; here are: %s", strings.Join(names, ", "))
}

// value decodes one value. A key without a value is as if it were not there.
func (d *decoder) value(v reflect.Value, node any, path string) {
	switch {
	case node == nil:
	case v.Kind() == reflect.Struct:
		d.object(v, node, path)
	case v.Kind() == reflect.Map:
		d.named(v, node, path)
	case v.Kind() == reflect.Slice:
		d.list(v, node, path)
	default:
		text, ok := node.(string)
		if !ok {
			d.fail(path, "want one value (%s)", typeName(v.Type()))
			return
		}
		if err := setScalar(v, text); err != nil {
			d.fail(path, "%s", err)
		}
	}
}

// named decodes a map whose keys are names that the file chooses.
func (d *decoder) named(v reflect.Value, node any, path string) {
	tree, ok := node.(map[string]any)
	if !ok {
		d.fail(path, "want names below it")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		element := newElement(v.Type().Elem())
		d.value(element, tree[name], join(path, name))
		v.SetMapIndex(reflect.ValueOf(name), element)
	}
}

// list decodes a list, a text with commas, or a map whose keys are the numbers 0, 1, … (as the environment gives it).
func (d *decoder) list(v reflect.Value, node any, path string) {
	elements, err := listElements(node, v.Type().Elem().Kind() != reflect.Struct)
	if err != nil {
		d.fail(path, "%s", err)
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(elements))
	for i, node := range elements {
		element := newElement(v.Type().Elem())
		if node == nil {
			d.fail(join(path, strconv.Itoa(i)), "is empty")
			continue
		}
		d.value(element, node, join(path, strconv.Itoa(i)))
		list = reflect.Append(list, element)
	}
	v.Set(list)
}

func listElements(node any, scalars bool) ([]any, error) {
	switch node := node.(type) {
	case []any:
		return node, nil
	case string:
		if !scalars {
			break
		}
		var elements []any
		for text := range strings.SplitSeq(node, ",") {
			if text = strings.TrimSpace(text); text != "" {
				elements = append(elements, text)
			}
		}
		return elements, nil
	case map[string]any:
		elements := make([]any, len(node))
		for name, element := range node {
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(elements) {
				return nil, fmt.Errorf("want a list, or the numbers 0 to %d as keys; got %q", len(elements)-1, name)
			}
			elements[i] = element
		}
		return elements, nil
	}
	return nil, errors.New("want a list")
}

func (d *decoder) secretFile(v reflect.Value, node any, path string) {
	name, ok := node.(string)
	if node == nil {
		return
	}
	if !ok || name == "" {
		d.fail(path, "want the path of a file")
		return
	}
	data, err := readLimited(name, maxSecretBytes)
	if err != nil {
		d.fail(path, "%s", err)
		return
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		d.fail(path, "%s is empty", name)
		return
	}
	v.SetString(text)
}
