package listtopic

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Past is one record of the topic.
type Past struct {
	topics.ListEdit
	Offset int64
	Why    error // why it changed nothing; nil where it did
}

// History are the records that wanted asks for, in their order.
func History(ctx context.Context, options []kgo.Opt, wanted func(*topics.ListEdit) bool) ([]Past, error) {
	reader, err := NewReader(options, rules.KeepLatest)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var all []Past
	take := func(offset int64, e *topics.ListEdit, why error) {
		if wanted(e) {
			all = append(all, Past{*e, offset, why})
		}
	}
	reader.Refused = take
	reader.Taken = func(offset int64, e *topics.ListEdit) { take(offset, e, nil) }
	_, _, err = reader.Read(ctx)
	return all, err
}

// All are the edits at every version, as Edits.At gives them: to recompute what was decided.
func All(ctx context.Context, options []kgo.Opt) (*rules.Edits, error) {
	reader, err := NewReader(options, rules.KeepAll)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	edits, _, err := reader.Read(ctx)
	return edits, err
}
