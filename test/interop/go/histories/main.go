// Judges histories of appends to streams by porcupine. JSON in: histories; JSON out: for each whether it is linearisable.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

// Expects: only at this version; nil: at any. Written or RefusedAt, or neither where no answer came.
type what struct {
	Expects *int `json:"expects"`
	Answer  *struct {
		Written   *int `json:"written"`
		RefusedAt *int `json:"refusedAt"`
	} `json:"answer"`
}

// Instants in microseconds; Returned is nil where no answer came.
type operation struct {
	Called   int64  `json:"called"`
	Returned *int64 `json:"returned"`
	What     what   `json:"what"`
}

type work struct {
	Initial   int           `json:"initial"`
	Histories [][]operation `json:"histories"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func step(version int, w what) (bool, int) {
	holds := w.Expects == nil || *w.Expects == version
	switch {
	case w.Answer == nil && holds:
		return true, version + 1
	case w.Answer == nil:
		// It must stand somewhere in the order; where it can no longer do anything, it does no harm. Before that it would.
		return *w.Expects < version, version
	case w.Answer.Written != nil:
		return holds && *w.Answer.Written == version+1, version + 1
	default:
		return !holds && *w.Answer.RefusedAt == version, version
	}
}

func main() {
	var given work
	must(json.NewDecoder(os.Stdin).Decode(&given))
	model := porcupine.Model{
		Init:              func() any { return given.Initial },
		Step:              func(state, input, _ any) (bool, any) { return asAny(step(state.(int), input.(what))) },
		Equal:             func(a, b any) bool { return a == b },
		DescribeOperation: func(input, _ any) string { return fmt.Sprint(input) },
	}
	verdicts := []string{}
	for _, history := range given.Histories {
		operations := []porcupine.Operation{}
		for client, one := range history {
			returned := int64(math.MaxInt64)
			if one.Returned != nil {
				returned = *one.Returned
			}
			operations = append(operations, porcupine.Operation{ClientId: client, Input: one.What, Call: one.Called, Return: returned})
		}
		verdicts = append(verdicts, string(porcupine.CheckOperationsTimeout(model, operations, time.Minute)))
	}
	must(json.NewEncoder(os.Stdout).Encode(verdicts))
}

func asAny(legal bool, state int) (bool, any) { return legal, state }
