%% Random calls of OTP's functions with random arguments, right and wrong: what they give, or what they raise and how the shell tells it.
%% needs: OTP
%%
%% `random_calls:main(["7", "100000"])` (or `-run random_calls main 7 100000`) makes so many calls from another seed.
-module(random_calls).
-export([main/0, main/1]).

main() -> run(1, 4000).

main([Seed, Calls]) -> run(list_to_integer(Seed), list_to_integer(Calls)).

run(Seed, Calls) ->
    rand:seed(exsss, {Seed, Seed, Seed}),
    Table = list_to_tuple(functions()),
    tables(),
    loop(Table, 1, Calls).

loop(_, N, Calls) when N > Calls -> ok;
loop(Table, N, Calls) ->
    {M, F, Kinds} = element(rand:uniform(tuple_size(Table)), Table),
    Args = [argument(K) || K <- Kinds],
    N rem 50 =:= 0 andalso tables(),
    io:put_chars([integer_to_list(N), $\s, text({M, F, Args}), "\n    ", call(M, F, Args), $\n]),
    loop(Table, N + 1, Calls).

call(M, F, Args) ->
    try apply(M, F, Args) of
        Value -> text(Value)
    catch
        Class:Reason:Stack ->
            Own = lists:takewhile(fun(Frame) -> element(1, Frame) =/= ?MODULE end, Stack),
            [text({Class, Reason, [frame(Frame) || Frame <- Own]}), "\n    ", told(Class, Reason, Own)]
    end.

%% OTP's texts of errors do not know every wrong argument.
told(Class, Reason, Stack) ->
    try unicode:characters_to_binary(erl_error:format_exception(Class, Reason, Stack))
    catch _:Untold:At -> text({untold, Untold, [{M, F, case is_list(A) of true -> length(A); false -> A end} || {M, F, A, _} <- At]})
    end.

frame({M, F, A, Info}) -> {M, F, A, lists:keydelete(file, 1, lists:keydelete(line, 1, Info))}.

%% Whole if it is short; what it hashes to as well if it is not.
text(Term) ->
    Text = unicode:characters_to_binary(io_lib:format("~0tp", [Term])),
    case Text of
        <<Begin:600/binary, _/binary>> -> io_lib:format("~ts... ~w", [[C || <<C>> <= Begin, C >= 32, C < 127], erlang:phash2(Term)]);
        _ -> re:replace(Text, "#Ref<[0-9.]+>", "#Ref", [global])
    end.

tables() ->
    [begin
         catch ets:delete(Name),
         ets:new(Name, [Type, named_table]),
         ets:insert(Name, [{K, V} || {K, V} <- [{1, a}, {2, b}, {1.0, c}, {a, 1}, {"k", 2}, {{1, 2}, 3}, {3, 7}]] ++ [{4, 5, 6}])
     end || {Name, Type} <- [{t_set, set}, {t_ordered, ordered_set}, {t_bag, bag}, {t_double, duplicate_bag}]].

%% ---- terms ----

one(List) -> lists:nth(rand:uniform(length(List)), List).

some(Most, Make) -> [Make() || _ <- lists:seq(1, rand:uniform(Most + 1) - 1)].

argument({exactly, Value}) -> Value;
argument(Kind) ->
    case {rand:uniform(7), Kind} of
        {1, count} -> one([-1, 1.0, a, [], "3", {}, <<1>>, any()]);
        {1, {one_of, _}} -> any();
        {1, _} -> any();
        _ -> make(Kind)
    end.

any() -> any(3).

any(0) -> make(one([int, atom, float]));
any(Depth) ->
    case rand:uniform(12) of
        1 -> make(int);
        2 -> make(atom);
        3 -> make(float);
        4 -> make(bin);
        5 -> make(bits);
        6 -> some(4, fun() -> any(Depth - 1) end);
        7 -> list_to_tuple(some(4, fun() -> any(Depth - 1) end));
        8 -> maps:from_list(some(3, fun() -> {any(Depth - 1), any(Depth - 1)} end));
        9 -> make(string);
        10 -> [any(Depth - 1) | any(Depth - 1)];
        11 -> one([fun erlang:abs/1, fun lists:map/2, fun erlang:'+'/2, fun erlang:is_atom/1]);
        12 -> one([[], {}, #{}, <<>>, 0, -1, 1, true, false, undefined])
    end.

make(any) -> any();
make(wrong) -> one([a, 1, {}, [a | b], #{}, {a, 1}, -1.5, "x", [<<1:3>>], 1 bsl 70]);
make(count) -> rand:uniform(12) - 2;
make(index) -> rand:uniform(8) - 2;
make(int) ->
    case rand:uniform(8) of
        1 -> rand:uniform(1 bsl 70) - (1 bsl 69);
        2 -> one([1 bsl 59, -(1 bsl 59), (1 bsl 59) - 1, -(1 bsl 59) - 1, 1 bsl 64, -(1 bsl 63), 1 bsl 63]);
        3 -> rand:uniform(1000000) - 500000;
        4 -> rand:uniform(256) - 1;
        _ -> rand:uniform(20) - 5
    end;
make(float) -> one([0.0, 1.0, -1.5, 1.0e10, 1.0e-5, 3.14159, 1.0e300, -0.1, float(rand:uniform(1000)) / 7, 123456789.125]);
make(number) -> make(one([int, int, float]));
make(atom) -> one([a, b, ok, true, false, error, 'A b', '', undefined, infinity, nomatch, 'åäö', t_set, latin1, utf8, big, little]);
make(bool) -> one([true, false]);
make(byte) -> rand:uniform(256) - 1;
make(char) -> one([rand:uniform(128) - 1, $a, $b, $\s, $\n, 229, 16#20ac, 16#1f600, 16#301]);
make(letter) -> one("abcABC 12,.\n");
make(bin) -> list_to_binary(some(8, fun() -> one([make(byte), make(letter), make(letter)]) end));
make(text) -> unicode:characters_to_binary(make(string));
make(bits) -> S = rand:uniform(70) - 1, V = make(int), <<V:S>>;
make(string) -> some(8, fun() -> one([make(letter), make(letter), make(char)]) end);
make(latin) -> some(8, fun() -> make(letter) end);
make(words) -> make(one([string, text]));
make(number_text) -> one(["12", "-7", "+3", "1.5", "1e3", "1.0e3", "ff", "FF", "-1.0e-3", "", "12x", "16#ff", "1.", ".5", "99999999999999999999999", "1_000",
                          <<"12">>, <<"-7">>, <<"1.5">>, <<"zz">>, <<>>]);
make(base) -> one([2, 8, 10, 16, 36, 1, 37, 0]);
make(list) -> some(6, fun() -> any(2) end);
make(numbers) -> some(6, fun() -> make(number) end);
make(small_ints) -> some(6, fun() -> rand:uniform(10) - 3 end);
make(pairs) -> some(5, fun() -> {any(1), any(1)} end);
make(tuples) -> some(5, fun() -> list_to_tuple([any(1) | some(3, fun() -> any(1) end)]) end);
make(lists) -> some(4, fun() -> some(4, fun() -> any(1) end) end);
make(tuple) -> list_to_tuple(some(5, fun() -> any(2) end));
make(map) -> maps:from_list(some(5, fun() -> {any(1), any(2)} end));
make(iolist) -> some(5, fun() -> one([make(byte), make(bin), make(latin), make(byte)]) end);
make(chardata) -> one([make(string), make(text), some(4, fun() -> one([make(char), make(text), make(string), make(bin)]) end)]);
make(pattern) -> one([make(bin), <<"a">>, <<"b">>, [<<"a">>, <<"bc">>], some(3, fun() -> make(bin) end)]);
make(part) -> {make(index), make(index)};
make(etf) ->
    B = term_to_binary(any(), one([[], [compressed], [{minor_version, 1}], [{minor_version, 2}]])),
    case rand:uniform(3) of
        1 -> B;
        2 -> binary:part(B, 0, rand:uniform(byte_size(B)) - 1);
        3 -> At = rand:uniform(byte_size(B)) - 1, <<X:At/binary, _, Y/binary>> = B, <<X/binary, (make(byte)), Y/binary>>
    end;
make(table) -> one([t_set, t_ordered, t_bag, t_double, t_set, t_ordered, no_table]);
make(key) -> one([1, 2, 1.0, a, "k", {1, 2}, 3, 4, none]);
make(object) -> list_to_tuple([make(key) | some(3, fun() -> any(1) end)]);
make(objects) -> one([make(object), some(3, fun() -> make(object) end)]);
make(match) -> one([{'$1', '_'}, '_', '$1', {'_', '$2'}, {make(key), '$1'}, {'$1', '$1'}, {'$1', '$2', '$3'}, {{'$1', '_'}, '$2'}, make(object)]);
make(ms) -> some(2, fun() -> {make(match), some(2, fun guard/0), one([['$_'], ['$$'], ['$1'], [{{'$1', '$2'}}], [true], [guard()], [], any(1)])} end);
make(update) -> one([make(index), {make(index), make(int)}, {make(index), make(int), make(int), make(int)}, [{2, 1}, {3, 1}]]);
make(element) -> one([{make(index), any(1)}, [{2, any(1)}, {make(index), any(1)}]]);
make(regex) -> one(["a", "b+", "(a|b)*c", "[a-c]+", "^a", "b$", ".", "\\w+", "(?i)A", "(?<n>a)(b)?", "a{1,2}", "(", "[", "*", "\\", "a(?=b)", "", "(?:ab)+",
                    "\\p{L}", "(a)(?(1)b|c)", "x*", make(latin), make(text), "\\d+|\\s", "(a+)+$", "\\bA", "[[:alpha:]]"]);
make(re_options) -> some(3, fun() -> one([global, caseless, unicode, anchored, dotall, multiline, {capture, one([all, first, none, all_but_first, [1], [0, 2], [n], [9]])},
                                          {capture, all, one([index, list, binary, x])}, notempty, ungreedy, {newline, one([any, lf, crlf])},
                                          extended, firstline, report_errors, bad_option, dupnames, noteol]) end);
make(split_options) -> some(2, fun() -> one([{return, one([list, binary, iodata])}, {parts, make(count)}, trim, group, caseless, unicode, bad]) end);
make(replace_options) -> some(2, fun() -> one([global, {return, one([list, binary, iodata])}, caseless, unicode, bad]) end);
make(replacement) -> one(["x", "[&]", "\\1", "\\g{1}", "\\\\", make(text), make(latin)]);
make(format) -> one(["~p", "~w", "~s", "~ts", "~tp", "~tw", "~a", "~c", "~b", "~B", "~.16b", "~x", "~8.3f", "~e", "~g", "~10s|", "~-10s|", "~*c", "~~", "~n", "~i~p", "~W", "~P",
                     "~10.4p", "~0p", "~.3s", "~#", "~10..0b", "~3w", "~f", "~.0f", "~q", "~", "~ta", "~10..*s", "x~px", make(latin), "~.2x", "~+", "~.1x", "~50p", "~lp", "~kp"]);
make(formats) -> one([some(2, fun() -> make(format) end), make(format), make(format)]);
make(fun1) -> one([fun erlang:is_atom/1, fun erlang:abs/1, fun erlang:length/1, fun erlang:is_integer/1, fun erlang:element/2, fun erlang:hd/1]);
make(fun2) -> one([fun erlang:'+'/2, fun erlang:'=<'/2, fun erlang:max/2, fun erlang:element/2, fun erlang:is_atom/1, fun erlang:'++'/2]);
make(encoding) -> one([latin1, unicode, utf8, utf16, {utf16, little}, utf32, {utf32, big}, {utf16, big}, other]);
make(trim_options) -> some(2, fun() -> one([global, trim, trim_all, {scope, make(part)}, bad]) end);
make(where) -> one([leading, trailing, both, all, other]);
make(b2t_options) -> some(2, fun() -> one([safe, used, other]) end);
make(t2b_options) -> some(2, fun() -> one([{minor_version, make(index)}, deterministic, local, other]) end);
make(float_options) -> some(2, fun() -> one([{decimals, make(count)}, {scientific, rand:uniform(12)}, compact, short, other]) end);
make(bins) -> some(4, fun() -> make(bin) end);
make(strings) -> some(4, fun() -> make(latin) end);
make({one_of, Values}) -> one(Values).

guard() ->
    one([{'>', '$1', make(number)}, {is_atom, '$1'}, {'=:=', '$2', any(1)}, {'andalso', {is_integer, '$1'}, {'<', '$1', 3}}, true, {'==', {element, make(index), '$_'}, make(key)},
         {'not', {is_list, '$2'}}, {unknown, 1}, {'+', '$1', 1}, {length, '$1'}, {hd, '$2'}, {'or', true, '$1'}, any(1), {const, any(1)}, {size, '$_'}]).

%% ---- functions ----

functions() ->
    erlang_functions() ++ lists_functions() ++ binary_functions() ++ map_functions() ++ ets_functions() ++ text_functions().

f(M, List) -> [{M, F, Kinds} || {F, Kinds} <- List].

erlang_functions() ->
    f(erlang,
      [{abs, [number]}, {ceil, [number]}, {floor, [number]}, {round, [number]}, {trunc, [number]}, {float, [number]}, {'+', [number, number]}, {'-', [number, number]},
       {'*', [number, number]}, {'/', [number, number]}, {'div', [int, int]}, {'rem', [int, int]}, {'band', [int, int]}, {'bor', [int, int]}, {'bxor', [int, int]},
       {'bnot', [int]}, {'bsl', [int, count]}, {'bsr', [int, count]}, {'-', [number]}, {'not', [bool]}, {'and', [bool, bool]}, {'or', [bool, bool]}, {'xor', [bool, bool]},
       {'==', [any, any]}, {'=:=', [any, any]}, {'<', [any, any]}, {'>=', [any, any]}, {max, [any, any]}, {min, [any, any]}, {'++', [list, list]}, {'--', [list, list]},
       {append_element, [tuple, any]}, {atom_to_binary, [atom]}, {atom_to_binary, [atom, encoding]}, {atom_to_list, [atom]}, {binary_part, [bin, part]},
       {binary_part, [bin, index, index]}, {binary_to_atom, [text, encoding]}, {binary_to_existing_atom, [text]}, {binary_to_float, [number_text]},
       {binary_to_integer, [number_text]}, {binary_to_integer, [number_text, base]}, {binary_to_list, [bin]}, {binary_to_list, [bin, index, index]}, {binary_to_term, [etf]},
       {binary_to_term, [etf, b2t_options]}, {bit_size, [bits]}, {bitstring_to_list, [bits]}, {byte_size, [bits]}, {crc32, [iolist]}, {crc32, [int, iolist]},
       {crc32_combine, [int, int, int]}, {adler32, [iolist]}, {adler32, [int, iolist]}, {adler32_combine, [int, int, int]}, {md5, [iolist]}, {delete_element, [index, tuple]},
       {element, [index, tuple]}, {setelement, [index, tuple, any]}, {insert_element, [index, tuple, any]}, {external_size, [any]}, {float_to_list, [float]},
       {float_to_list, [float, float_options]}, {float_to_binary, [float, float_options]}, {fun_info, [any, {one_of, [arity, name, module, type, env, x]}]}, {function_exported, [atom, atom, index]},
       {hd, [list]}, {tl, [list]}, {integer_to_binary, [int]}, {integer_to_binary, [int, base]}, {integer_to_list, [int, base]}, {iolist_size, [iolist]},
       {iolist_to_binary, [iolist]}, {is_builtin, [atom, atom, index]}, {is_function, [any, index]}, {is_map_key, [any, map]}, {is_record, [tuple, atom]}, {is_record, [tuple, atom, index]},
       {length, [list]}, {list_to_atom, [latin]}, {list_to_binary, [iolist]}, {list_to_bitstring, [iolist]}, {list_to_existing_atom, [string]}, {list_to_float, [number_text]},
       {list_to_integer, [number_text]}, {list_to_integer, [number_text, base]}, {list_to_pid, [string]}, {list_to_ref, [string]}, {list_to_tuple, [list]}, {make_tuple, [count, any]},
       {make_tuple, [count, any, pairs]}, {map_get, [any, map]}, {map_size, [map]}, {phash, [any, int]}, {phash2, [any]}, {phash2, [any, int]}, {split_binary, [bin, index]},
       {size, [any]}, {term_to_binary, [any]}, {term_to_binary, [any, t2b_options]}, {tuple_size, [tuple]}, {tuple_to_list, [tuple]}, {apply, [atom, atom, list]},
       {error, [any, list]}, {throw, [any]}, {exit, [any]}, {raise, [{one_of, [error, exit, throw]}, any, {exactly, []}]}, {convert_time_unit, [int, {one_of, [second, 1000, millisecond]}, {one_of, [microsecond, native_x, 7]}]},
       {decode_packet, [{one_of, [raw, 1, 2, 4, line, http, http_bin, httph, asn1, tpkt, x]}, bin, list]}, {universaltime_to_localtime, [any]}, {process_flag, [atom, any]}, {whereis, [atom]},
       {register, [atom, any]}, {unregister, [{one_of, [nobody, undefined]}]}, {put, [any, any]}, {get, [any]}, {erase, [any]}, {cancel_timer, [any]}, {send_after, [{one_of, [-1, a]}, any, any]},
       {monitor, [{one_of, [process, port, x]}, any]}, {demonitor, [any]}, {link, [any]}, {unlink, [any]}, {group_leader, [any, any]}, {node, [any]}, {process_info, [any]},
       {is_process_alive, [any]}, {system_flag, [atom, any]}, {system_info, [{one_of, [otp_release, wordsize, x, endian, {x, 1}]}]}, {statistics, [{one_of, [x, y]}]}, {suspend_process, [any]},
       {trace, [any, bool, list]}, {trace_pattern, [any, any, list]}, {match_spec_test, [tuple, ms, {exactly, table}]},
       {nodes, [{one_of, [x, []]}]}, {halt, [{exactly, x}]}, {garbage_collect, [any]}, {check_process_code, [any, any]},
       {purge_module, [any]}, {delete_module, [any]}, {alias, [wrong]}, {unalias, [any]}, {iolist_to_iovec, [wrong]}, {list_to_port, [string]}, {port_info, [any]},
       {system_monitor, [wrong]}, {display_string, [wrong]}, {start_timer, [{one_of, [-1, a]}, any, any]}, {read_timer, [any]}, {ref_to_list, [any]}, {pid_to_list, [any]}, {port_to_list, [any]}]).

lists_functions() ->
    f(lists,
      [{all, [fun1, list]}, {any, [fun1, list]}, {append, [lists]}, {concat, [list]}, {delete, [any, list]}, {droplast, [list]}, {dropwhile, [fun1, list]}, {duplicate, [count, any]},
       {filter, [fun1, list]}, {filtermap, [fun1, list]}, {flatlength, [list]}, {flatten, [lists]}, {foldl, [fun2, number, numbers]}, {foldr, [fun2, number, numbers]},
       {join, [any, list]}, {keydelete, [any, index, tuples]}, {keyfind, [any, index, tuples]}, {keymember, [any, index, tuples]}, {keymerge, [index, tuples, tuples]},
       {keyreplace, [any, index, tuples, tuple]}, {keysearch, [any, index, tuples]}, {keysort, [index, tuples]}, {keystore, [any, index, tuples, tuple]}, {keytake, [any, index, tuples]},
       {last, [list]}, {map, [fun1, numbers]}, {max, [list]}, {member, [any, list]}, {merge, [list, list]}, {min, [list]}, 
       {partition, [fun1, list]}, {prefix, [list, list]}, {reverse, [list]}, {reverse, [list, any]}, {seq, [count, count]}, {seq, [count, count, count]}, {sort, [list]}, {sort, [fun2, numbers]},
       {split, [index, list]}, {splitwith, [fun1, list]}, {sublist, [list, index]}, {sublist, [list, index, index]}, {subtract, [list, list]}, {suffix, [list, list]}, {sum, [numbers]},
       {takewhile, [fun1, list]}, {ukeysort, [index, tuples]}, {umerge, [lists]}, {unzip, [pairs]}, {usort, [list]}, {zip, [list, list]}, {zipwith, [fun2, numbers, numbers]}, {search, [fun1, list]},
       {mapfoldl, [fun2, number, numbers]}, {uniq, [list]}, {enumerate, [list]}]).

binary_functions() ->
    f(binary,
      [{at, [bin, index]}, {bin_to_list, [bin]}, {bin_to_list, [bin, part]}, {bin_to_list, [bin, index, index]}, {compile_pattern, [{one_of, [<<>>, [], a, [<<>>], [<<"a">> | b]]}]}, {copy, [bin]}, {copy, [bin, count]},
       {decode_unsigned, [bin]}, {decode_unsigned, [bin, {one_of, [big, little, x]}]}, {encode_unsigned, [int]}, {encode_unsigned, [int, {one_of, [big, little, x]}]}, {encode_hex, [bin]},
       {decode_hex, [text]}, {first, [bin]}, {last, [bin]}, {list_to_bin, [iolist]}, {longest_common_prefix, [bins]}, {longest_common_suffix, [bins]}, {match, [bin, pattern]},
       {match, [bin, pattern, trim_options]}, {matches, [bin, pattern]}, {matches, [bin, pattern, trim_options]}, {part, [bin, part]}, {part, [bin, index, index]},
       {referenced_byte_size, [wrong]}, {replace, [bin, pattern, bin]}, {replace, [bin, pattern, bin, trim_options]}, {split, [bin, pattern]}, {split, [bin, pattern, trim_options]}]).

map_functions() ->
    f(maps,
      [{get, [any, map]}, {get, [any, map, any]}, {find, [any, map]}, {fold, [fun2, any, map]}, {from_list, [pairs]}, {is_key, [any, map]}, {keys, [map]}, {values, [map]}, {to_list, [map]},
       {map, [fun2, map]}, {filter, [fun2, map]}, {merge, [map, map]}, {put, [any, any, map]}, {remove, [any, map]}, {size, [map]}, {take, [any, map]}, {update, [any, any, map]},
       {update_with, [any, fun1, map]}, {with, [list, map]}, {without, [list, map]}, {from_keys, [list, any]}, {intersect, [map, map]}, {groups_from_list, [fun1, list]}, {iterator, [wrong]}, {next, [wrong]}]).

ets_functions() ->
    f(ets,
      [{insert, [table, objects]}, {insert_new, [table, objects]}, {lookup, [table, key]}, {lookup_element, [table, key, index]}, {member, [table, key]}, {delete, [table, key]},
       {delete_object, [table, object]}, {first, [{one_of, [t_ordered, no_table]}]}, {last, [{one_of, [t_ordered, no_table]}]}, {next, [{exactly, t_ordered}, key]}, {prev, [{exactly, t_ordered}, key]},
       {match, [{one_of, [t_ordered, no_table]}, match]}, {match, [{one_of, [t_ordered, no_table]}, match, {one_of, [0, -1, a, 5]}]}, {match_object, [{one_of, [t_ordered]}, match]}, {match_delete, [table, match]},
       {select, [{one_of, [t_ordered, no_table]}, ms]}, {select_reverse, [{one_of, [t_ordered]}, ms]}, {select_count, [table, ms]}, {select_delete, [table, ms]}, {select_replace, [table, ms]},
       {update_counter, [table, key, update]}, {update_counter, [table, key, update, object]}, {update_element, [table, key, element]}, {take, [table, key]}, {info, [table, {one_of, [size, type, named_table, keypos, protection, x]}]},
       {new, [wrong, any]}, {new, [atom, {one_of, [[x], a, [set | bag], [{keypos, 0}]]}]}, {rename, [{exactly, no_table}, any]}, {setopts, [table, {one_of, [x, [], {heir, none}, [{heir, a}]]}]}, {give_away, [table, any, any]},
       {safe_fixtable, [table, {one_of, [x, 1]}]}, {slot, [{exactly, t_ordered}, index]}, {match_spec_compile, [{one_of, [[a], a, [{a}], [{'$1', [x], []}]]}]}, {match_spec_run, [list, wrong]},
       {is_compiled_ms, [any]}, {tab2list, [{one_of, [t_ordered, no_table, 1]}]}, {foldl, [fun2, any, {one_of, [t_ordered, no_table]}]}, {whereis, [{one_of, [no_table, 1]}]}, {delete, [{one_of, [no_table, 1, "x"]}]},
       {from_dets, [wrong, any]}, {to_dets, [wrong, any]}, {init_table, [table, wrong]}, {repair_continuation, [any, any]}]).

text_functions() ->
    f(re, [{run, [words, regex]}, {run, [words, regex, re_options]}, {split, [words, regex]}, {split, [words, regex, split_options]}, {replace, [words, regex, replacement]},
           {replace, [words, regex, replacement, replace_options]}, {inspect, [any, {one_of, [namelist, x]}]}]) ++
        f(unicode, [{characters_to_list, [chardata]}, {characters_to_list, [chardata, encoding]}, {characters_to_binary, [chardata]}, {characters_to_binary, [chardata, encoding]},
                    {characters_to_binary, [chardata, encoding, encoding]}, {bom_to_encoding, [bin]}, {encoding_to_bom, [encoding]}, {characters_to_nfc_list, [chardata]}, {characters_to_nfd_binary, [chardata]},
                    {characters_to_nfkc_list, [chardata]}]) ++
        f(string, [{length, [chardata]}, {to_graphemes, [chardata]}, {is_empty, [chardata]}, {equal, [words, words]}, {equal, [words, words, bool]}, {reverse, [chardata]}, {slice, [chardata, index]},
                   {slice, [chardata, index, index]}, {pad, [words, count]}, {pad, [words, count, where]}, {trim, [words]}, {trim, [words, where]}, {uppercase, [chardata]}, {lowercase, [chardata]},
                   {titlecase, [chardata]}, {casefold, [chardata]}, {to_integer, [number_text]}, {to_float, [number_text]}, {next_grapheme, [chardata]}, {next_codepoint, [chardata]}, {prefix, [words, words]},
                   {find, [words, words]}, {find, [words, words, where]}, {split, [words, words]}, {split, [words, words, where]}, {replace, [words, words, words]}, {replace, [words, words, words, where]},
                   {lexemes, [words, string]}, {nth_lexeme, [words, index, string]}, {tokens, [latin, latin]}, {strip, [latin]}, {to_upper, [latin]}, {centre, [latin, count]}, {substr, [latin, index]},
                   {chr, [latin, letter]}, {str, [latin, latin]}, {span, [latin, latin]}, {join, [strings, latin]}, {jaro_similarity_x, []}]) ++
        f(io_lib, [{format, [formats, list]}, {format, [format, list]}, {fwrite, [format, list]}, {print, [any]}, {write, [any]}, {write_atom, [any]}, {write_string, [string]}, {write_char, [char]},
                   {char_list, [any]}, {deep_char_list, [any]}, {printable_list, [any]}, {printable_unicode_list, [string]}, {fread, [{one_of, ["~d", "~s", "~f", "~u ~d", "~c", "~a", "~#", "~x", "~16u", "~-"]}, number_text]},
                   {latin1_char_list, [string]}, {format_prompt_x, []}]) ++
        f(io_lib_format, [{fwrite_g, [float]}]) ++
        f(base64, [{encode, [iolist]}, {decode, [text]}, {mime_decode, [bin]}]) ++
        f(proplists, [{get_value, [atom, pairs]}, {lookup, [any, pairs]}, {delete, [any, pairs]}, {compact, [pairs]}, {get_bool, [atom, pairs]}]).
