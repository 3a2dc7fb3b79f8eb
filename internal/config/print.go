package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Print renders the effective configuration as YAML that Load reads again, but for its secrets, which are masked.
func Print(c *Config) string {
	var b strings.Builder
	printFields(&b, reflect.ValueOf(c).Elem(), "")
	return b.String()
}

func printFields(b *strings.Builder, v reflect.Value, indent string) {
	for _, f := range fieldsOf(v.Type()) {
		printValue(b, f.name, v.Field(f.index), indent)
	}
}

func printValue(b *strings.Builder, name string, v reflect.Value, indent string) {
	switch v.Kind() {
	case reflect.Struct:
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		printFields(b, v, indent+"  ")
	case reflect.Map:
		if v.Len() == 0 {
			fmt.Fprintf(b, "%s%s: {}\n", indent, name)
			return
		}
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		elements := map[string]reflect.Value{}
		for _, key := range v.MapKeys() {
			elements[key.String()] = v.MapIndex(key)
		}
		for _, key := range slices.Sorted(maps.Keys(elements)) {
			printValue(b, key, elements[key], indent+"  ")
		}
	case reflect.Slice:
		if v.Len() == 0 {
			fmt.Fprintf(b, "%s%s: []\n", indent, name)
			return
		}
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		for i := range v.Len() {
			printElement(b, v.Index(i), indent+"  ")
		}
	default:
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, yamlScalar(v))
	}
}

func printElement(b *strings.Builder, v reflect.Value, indent string) {
	if v.Kind() != reflect.Struct {
		fmt.Fprintf(b, "%s- %s\n", indent, yamlScalar(v))
		return
	}
	var inner strings.Builder
	printFields(&inner, v, indent+"  ")
	b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
}

// yamlScalar quotes texts and leaves numbers, sizes, durations and booleans as they are.
func yamlScalar(v reflect.Value) string {
	text := formatScalar(v)
	if v.Kind() == reflect.String {
		return strconv.Quote(text)
	}
	return text
}
