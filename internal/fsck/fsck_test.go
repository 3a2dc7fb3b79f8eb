package fsck

import "testing"

func TestNothingIsWrong(t *testing.T) {
	f := newFixture(t)
	f.wantNone()
	for partition, names := range customers(t) {
		for _, name := range names {
			f.pay(name)
		}
		f.publish(int32(partition))
	}
	f.wantNone()
}
