%% Instructions that compilers before OTP 25 wrote, or none does, and machines still read: assembled here and loaded.
%% Those of the compilers of OTP 22 to 24 that erlc of OTP 25 can still write are in older_code.
%% needs: preloaded modules
-module(older_instructions).
-export([main/0, assembled/0]).
-include("show.hrl").

main() ->
    catch zlib:on_load(),
    {module, assembled} = erlang:load_module(assembled, assembled()),
    call(differ, [[1, 1], [1, 1.0], [1, 2], [a, "a"], [1 bsl 70, 1 bsl 70]]),
    call(ratio, [[1, 2], [7.5, -2.5], [1 bsl 70, 3], [0, 1], [1, 0], [1.0e308, 1.0e-308], [a, 1], [1, <<>>]]),
    call(bytes, [[<<>>, <<>>, 7], [<<1, 2>>, <<3>>, 256], [list_to_binary(lists:duplicate(100, $x)), <<>>, 1], [<<1>>, <<2>>, a],
                 [<<1:4>>, <<2>>, 1]]),
    %% Of what is no integer OTP makes something that is no term.
    call(sum, [[1, 2], [0, 0], [-1, 2], [1, -2]]),
    call(sum_or, [[1, 2], [-1, 2], [1, -1]]),
    call(narrow, [[<<"F:", 1, 1.5:32/float-little, 2>>], [<<"F:", 1, 1.5:32/float-little>>], [<<"F:", 1, -1:32, 2>>],
                  [<<"G:", 1, 1.5:32/float-little, 2>>], [<<"F:", 1, 1.5:32/float-little, 2, 1:1>>], [none]]),
    call(ends_here, [[<<>>], [<<1>>], [<<1:1>>], [none]]),
    call(widths, [[$a], [16#7f], [16#80], [16#7ff], [16#800], [16#ffff], [16#10000], [16#10ffff]]),
    self() ! {other, early},
    call(marked, [[fun(_) -> self() ! {answer, late} end], [fun(Ref) -> self() ! Ref end], [fun(_) -> self() ! {answer, last} end]]),
    ?SHOW(flush()),
    call(native, [[1], [{a}]]),
    call(swapped, [[1], [{a}]]),
    call(filled, [[1], [{a}]]),
    call(chosen, [[a], [c], [1], [1 bsl 70], [1.5], [-0.25], [-(1 bsl 64)], [[]], [none], [{a}], [{}], [{1, 2, 3}]]),
    call(caught, [[fun() -> 1 end], [fun() -> throw(x) end], [fun() -> exit(x) end]]),
    call(tried, [[fun() -> 1 end], [fun() -> throw(x) end], [fun() -> exit(x) end], [fun() -> error(x) end]]),
    call(again, [[error, reason], [exit, reason], [throw, reason], [other, reason]]),
    call(applied, [[erlang, abs, -1], [lists, reverse, [1, 2]], [erlang, no_such, 1], [1, abs, 1], [erlang, {abs}, 1]]),
    call(keys, [[#{a => 1, 2 => b, "k" => c, 1.5 => d}], [#{a => 1, 2 => b}], [#{a => 1, 2 => b, "k" => c, 1.5 => d, e => f}],
                [large()], [maps:remove(2, large())]]).

large() -> maps:merge(#{a => 1, 2 => b, "k" => c, 1.5 => d}, maps:from_list([{{N}, N} || N <- lists:seq(1, 50)])).

call(Name, Calls) -> [erlang:display({Name, call(apply, Name, Arguments)}) || Arguments <- Calls].

call(apply, Name, Arguments) ->
    try apply(assembled, Name, Arguments)
    catch Class:Reason:Stack -> {Class, Reason, [{M, F, A} || {M, F, A, _} <- lists:sublist(Stack, 1), not is_list(A)]}
    end.

%% The module's file.
assembled() ->
    {ok, Module} = beam_asm:module({assembled, exports(), [], functions(), 62}, [], [], []),
    Module.

flush() -> receive M when is_reference(M) -> [reference | flush()]; M -> [M | flush()] after 0 -> [] end.

exports() ->
    [{Name, Arity} || {function, Name, Arity, _, _} <- functions()].

-define(FLAGS(List), {field_flags, List}).
-define(FUNC_INFO(Name, Arity), {func_info, {atom, assembled}, {atom, Name}, Arity}).

functions() ->
    [%% is_ne: `/=` where it decides.
     {function, differ, 2, 2,
      [{label, 1}, ?FUNC_INFO(differ, 2), {label, 2},
       {test, is_ne, {f, 3}, [{x, 0}, {x, 1}]}, {move, {atom, true}, {x, 0}}, return,
       {label, 3}, {move, {atom, false}, {x, 0}}, return]},
     %% fclearerror, fcheckerror, fsub, fdiv, fnegate: -((A - B) / B)
     {function, ratio, 2, 5,
      [{label, 4}, ?FUNC_INFO(ratio, 2), {label, 5},
       {test_heap, {alloc, [{words, 0}, {floats, 1}, {funs, 0}]}, 2},
       {fconv, {x, 0}, {fr, 0}}, {fconv, {x, 1}, {fr, 1}},
       fclearerror,
       {fsub, {f, 0}, {fr, 0}, {fr, 1}, {fr, 0}}, {fdiv, {f, 0}, {fr, 0}, {fr, 1}, {fr, 0}}, {fnegate, {f, 0}, {fr, 0}, {fr, 0}},
       {fcheckerror, {f, 0}},
       {fmove, {fr, 0}, {x, 0}}, return]},
     %% bs_add, bs_init2 with a computed size: <<A/binary, B/binary, X>>
     {function, bytes, 3, 7,
      [{label, 6}, ?FUNC_INFO(bytes, 3), {label, 7},
       {gc_bif, byte_size, {f, 0}, 3, [{x, 0}], {x, 3}},
       {bs_add, {f, 0}, [{integer, 1}, {x, 3}, 1], {x, 3}},
       {gc_bif, byte_size, {f, 0}, 4, [{x, 1}], {x, 4}},
       {bs_add, {f, 0}, [{x, 3}, {x, 4}, 1], {x, 3}},
       {bs_init2, {f, 0}, {x, 3}, 0, 4, ?FLAGS([]), {x, 3}},
       {bs_put_binary, {f, 0}, {atom, all}, 8, ?FLAGS([unsigned, big]), {x, 0}},
       {bs_put_binary, {f, 0}, {atom, all}, 8, ?FLAGS([unsigned, big]), {x, 1}},
       {bs_put_integer, {f, 0}, {integer, 8}, 1, ?FLAGS([unsigned, big]), {x, 2}},
       {move, {x, 3}, {x, 0}}, return]},
     %% What bs_add computes: A + 8 * B; an error, or a label.
     {function, sum, 2, 9,
      [{label, 8}, ?FUNC_INFO(sum, 2), {label, 9},
       {bs_add, {f, 0}, [{x, 0}, {x, 1}, 8], {x, 0}}, return]},
     {function, sum_or, 2, 11,
      [{label, 10}, ?FUNC_INFO(sum_or, 2), {label, 11},
       {bs_add, {f, 12}, [{x, 0}, {x, 1}, 8], {x, 0}}, return,
       {label, 12}, {move, {atom, no_size}, {x, 0}}, return]},
     %% bs_match_string, bs_skip_bits2, bs_get_float2 of 32 bits, bs_test_unit, bs_test_tail2
     {function, narrow, 1, 14,
      [{label, 13}, ?FUNC_INFO(narrow, 1), {label, 14},
       {test, bs_start_match3, {f, 13}, 1, [{x, 0}], {x, 1}},
       {test, bs_match_string, {f, 13}, [{x, 1}, 16, {string, <<"F:">>}]},
       {test, bs_skip_bits2, {f, 13}, [{x, 1}, {integer, 4}, 2, ?FLAGS([unsigned, big])]},
       {test, bs_get_float2, {f, 13}, 2, [{x, 1}, {integer, 32}, 1, ?FLAGS([unsigned, little])], {x, 2}},
       {test, bs_test_unit, {f, 13}, [{x, 1}, 8]},
       {test, bs_test_tail2, {f, 13}, [{x, 1}, 8]},
       {move, {x, 2}, {x, 0}}, return]},
     %% bs_test_tail2 of more bits than an operand usually has
     {function, ends_here, 1, 16,
      [{label, 15}, ?FUNC_INFO(ends_here, 1), {label, 16},
       {test, bs_start_match3, {f, 15}, 1, [{x, 0}], {x, 1}},
       {test, bs_test_tail2, {f, 17}, [{x, 1}, 34359738368]}, {move, {atom, huge}, {x, 0}}, return,
       {label, 17}, {test, bs_test_tail2, {f, 18}, [{x, 1}, 0]}, {move, {atom, empty}, {x, 0}}, return,
       {label, 18}, {move, {atom, more}, {x, 0}}, return]},
     {function, widths, 1, 20,
      [{label, 19}, ?FUNC_INFO(widths, 1), {label, 20},
       {bs_utf8_size, {f, 0}, {x, 0}, {x, 1}}, {bs_utf16_size, {f, 0}, {x, 0}, {x, 2}},
       {test_heap, 3, 3}, {put_tuple2, {x, 0}, {list, [{x, 1}, {x, 2}]}}, return]},
     %% recv_mark and recv_set: a receive that need not look at what is before the mark, as compilers before OTP 24 wrote it
     {function, marked, 1, 22,
      [{label, 21}, ?FUNC_INFO(marked, 1), {label, 22},
       {allocate, 1, 1}, {move, {x, 0}, {y, 0}},
       {recv_mark, {f, 23}},
       {call_ext, 0, {extfunc, erlang, make_ref, 0}},
       {move, {y, 0}, {x, 1}}, {move, {x, 0}, {y, 0}},
       {call_fun, 1},
       {recv_set, {f, 23}},
       {label, 23}, {loop_rec, {f, 25}, {x, 0}},
       {test, is_tagged_tuple, {f, 24}, [{x, 0}, 2, {atom, answer}]},
       {get_tuple_element, {x, 0}, 1, {x, 0}},
       remove_message, {deallocate, 1}, return,
       {label, 24}, {loop_rec_end, {f, 23}},
       {label, 25}, {wait_timeout, {f, 23}, {integer, 50}}, timeout,
       {move, {atom, timeout}, {x, 0}}, {deallocate, 1}, return]},
     {function, native, 1, 27,
      [{label, 26}, ?FUNC_INFO(native, 1), {label, 27}, nif_start, return]},
     %% swap of X and Y registers, init_yregs, trim
     {function, swapped, 1, 29,
      [{label, 28}, ?FUNC_INFO(swapped, 1), {label, 29},
       {allocate, 3, 1}, {init_yregs, {list, [{y, 0}, {y, 1}, {y, 2}]}},
       {move, {atom, kept}, {y, 1}}, {swap, {x, 0}, {y, 2}}, {swap, {y, 1}, {y, 2}},
       {trim, 1, 2}, {swap, {y, 0}, {y, 1}},
       {test_heap, 3, 0}, {put_tuple2, {x, 0}, {list, [{y, 0}, {y, 1}]}}, {deallocate, 2}, return]},
     %% allocate_heap_zero, init, put_tuple's successor with a frame's registers that nothing was put in
     {function, filled, 1, 61,
      [{label, 60}, ?FUNC_INFO(filled, 1), {label, 61},
       {allocate_heap_zero, 3, 2, 1}, {put_list, {x, 0}, nil, {y, 2}}, {init, {y, 1}},
       {call_ext, 0, {extfunc, erlang, garbage_collect, 0}},
       {test_heap, 4, 1}, {put_tuple2, {x, 0}, {list, [{x, 0}, {y, 0}, {y, 2}]}}, {deallocate, 3}, return]},
     %% select_val of values of all kinds, select_tuple_arity
     {function, chosen, 1, 31,
      [{label, 30}, ?FUNC_INFO(chosen, 1), {label, 31},
       {select_val, {x, 0}, {f, 57}, {list, [{integer, 1}, {f, 34}, {integer, 1 bsl 70}, {f, 35}, {integer, -(1 bsl 64)}, {f, 35}]}},
       {label, 57}, {select_val, {x, 0}, {f, 58}, {list, [{float, 1.5}, {f, 35}, {float, -0.25}, {f, 34}]}},
       {label, 58}, {select_val, {x, 0}, {f, 32}, {list, [{atom, a}, {f, 33}, {atom, b}, {f, 34}, {atom, c}, {f, 35}]}},
       {label, 32}, {test, is_tuple, {f, 30}, [{x, 0}]},
       {select_tuple_arity, {x, 0}, {f, 30}, {list, [1, {f, 34}, 3, {f, 35}]}},
       {label, 33}, {move, {integer, 33}, {x, 0}}, return,
       {label, 34}, {move, {integer, 34}, {x, 0}}, return,
       {label, 35}, {move, {integer, 35}, {x, 0}}, return]}
     | more()].

more() ->
    [%% a catch, and another one behind it in the same register
     {function, caught, 1, 41,
      [{label, 40}, ?FUNC_INFO(caught, 1), {label, 41},
       {allocate, 2, 1}, {init_yregs, {list, [{y, 0}]}}, {move, {x, 0}, {y, 1}},
       {'catch', {y, 0}, {f, 42}}, {call_fun, 0}, {label, 42}, {catch_end, {y, 0}},
       {swap, {x, 0}, {y, 1}},
       {'catch', {y, 0}, {f, 43}}, {call_fun, 0}, {label, 43}, {catch_end, {y, 0}},
       {test_heap, 4, 1}, {put_list, {x, 0}, nil, {x, 0}}, {put_list, {y, 1}, {x, 0}, {x, 0}}, {deallocate, 2}, return]},
     %% a try within a catch
     {function, tried, 1, 45,
      [{label, 44}, ?FUNC_INFO(tried, 1), {label, 45},
       {allocate, 2, 1}, {init_yregs, {list, [{y, 0}, {y, 1}]}},
       {'catch', {y, 1}, {f, 47}}, {'try', {y, 0}, {f, 46}}, {call_fun, 0}, {try_end, {y, 0}}, {jump, {f, 47}},
       {label, 46}, {try_case, {y, 0}},
       {test, is_eq_exact, {f, 48}, [{x, 0}, {atom, throw}]}, {move, {x, 1}, {x, 0}}, {jump, {f, 47}},
       {label, 48}, {bif, raise, {f, 0}, [{x, 2}, {x, 1}], {x, 0}},
       {label, 47}, {catch_end, {y, 1}},
       {test, is_tuple, {f, 49}, [{x, 0}]}, {get_tuple_element, {x, 0}, 0, {x, 0}},
       {label, 49}, {deallocate, 2}, return]},
     %% build_stacktrace and raw_raise
     {function, again, 2, 51,
      [{label, 50}, ?FUNC_INFO(again, 2), {label, 51},
       {move, nil, {x, 2}}, raw_raise, return]},
     %% apply_last
     {function, applied, 3, 53,
      [{label, 52}, ?FUNC_INFO(applied, 3), {label, 53},
       {allocate, 1, 3}, {move, {x, 2}, {y, 0}}, {move, {x, 1}, {x, 2}}, {move, {x, 0}, {x, 1}}, {move, {y, 0}, {x, 0}},
       {apply_last, 1, 1}]},
     %% has_map_fields, get_map_elements of keys of all kinds
     {function, keys, 1, 55,
      [{label, 54}, ?FUNC_INFO(keys, 1), {label, 55},
       {test, is_map, {f, 54}, [{x, 0}]},
       {test, has_map_fields, {f, 56}, {x, 0}, {list, [{atom, a}, {literal, "k"}]}},
       {get_map_elements, {f, 56}, {x, 0},
        {list, [{integer, 2}, {x, 1}, {literal, 1.5}, {x, 2}, {atom, a}, {x, 3}, {literal, "k"}, {x, 0}]}},
       {test_heap, 5, 4}, {put_tuple2, {x, 0}, {list, [{x, 0}, {x, 1}, {x, 2}, {x, 3}]}}, return,
       {label, 56}, {move, {atom, lacking}, {x, 0}}, return]}].
