package rules

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// byName is a CEL map whose absent keys are missing data, not errors: payment.metadata.
type byName struct {
	field string
	find  func(key string) (value ref.Val, ok bool)
	size  func() int
}

func newMetadata(of func() map[string]string) *byName {
	return &byName{field: fieldMetadata,
		find: func(key string) (ref.Val, bool) {
			v, ok := of()[key]
			return types.String(v), ok && v != ""
		},
		size: func() int { return len(of()) },
	}
}

// Find implements traits.Mapper.
func (m *byName) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	if v, ok := m.find(string(name)); ok {
		return v, true
	}
	return missing(m.field + "[\"" + string(name) + "\"]"), true
}

// Get implements traits.Indexer.
func (m *byName) Get(key ref.Val) ref.Val {
	v, _ := m.Find(key)
	return v
}

// Contains implements traits.Container.
func (m *byName) Contains(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	_, found := m.find(string(name))
	return types.Bool(found)
}

// Iterator implements traits.Iterable; rules have no loops, so there is nothing to iterate.
func (m *byName) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, nil).Iterator()
}

func (m *byName) Size() ref.Val                               { return types.Int(m.size()) }
func (m *byName) Type() ref.Type                              { return types.MapType }
func (m *byName) Value() any                                  { return m.field }
func (m *byName) Equal(other ref.Val) ref.Val                 { return types.Bool(m == other) }
func (m *byName) ConvertToType(t ref.Type) ref.Val            { return noConversion(types.MapType, t) }
func (m *byName) ConvertToNative(t reflect.Type) (any, error) { return noNative(types.MapType, t) }
