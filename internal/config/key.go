package config

import "reflect"

// field is one key of a struct of the configuration.
type field struct {
	name  string
	doc   string
	index int
	typ   reflect.Type
}

// fieldsOf lists the keys of a struct in order of declaration.
func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		fields = append(fields, field{name: f.Tag.Get("key"), doc: f.Tag.Get("doc"), index: i, typ: f.Type})
	}
	return fields
}

// isSecret: its value may stand in a file of its own, named by the key with "_file" behind it.
func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[DSN]()
}

// Key describes one key for people: what stands between the dots where names and numbers are free is in <>.
type Key struct {
	Path    string
	Type    string
	Default string
	Doc     string
}

// Keys lists every key, in order of declaration.
func Keys() []Key {
	return keysOf("", reflect.ValueOf(Default()))
}

func keysOf(prefix string, v reflect.Value) []Key {
	var keys []Key
	for _, f := range fieldsOf(v.Type()) {
		value, path := v.Field(f.index), prefix+f.name
		switch {
		case f.typ.Kind() == reflect.Struct:
			keys = append(keys, keysOf(path+".", value)...)
		case f.typ.Kind() == reflect.Map:
			keys = append(keys, keysOf(path+".<name>.", newElement(f.typ.Elem()))...)
		case f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(path+".<number>.", newElement(f.typ.Elem()))...)
		default:
			key := Key{Path: path, Type: typeName(f.typ), Doc: f.doc}
			if f.typ.Kind() != reflect.Slice {
				key.Default = formatScalar(value)
			}
			keys = append(keys, key)
			if isSecret(f.typ) {
				keys = append(keys, Key{Path: path + "_file", Type: "path", Doc: "File that holds " + path + "; a line break at its end is dropped."})
			}
		}
	}
	return keys
}

// newElement is a new element of a map or list, with its defaults.
func newElement(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if t == reflect.TypeFor[PSP]() {
		v.Set(reflect.ValueOf(DefaultPSP()))
	}
	return v
}
