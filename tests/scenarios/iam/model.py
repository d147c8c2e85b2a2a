"""An IAM that knows nothing but botocore's model of it: it checks each call against the model, and answers with all that the
model has. The first answer to an action is a success, and those that follow are its errors, one by one.

First it prints a line with its address and the errors of each action, then a line for each call: the action, and what is
wrong with the call or how it was answered.
"""

import base64
import json
import re
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from xml.sax.saxutils import escape

import botocore.parsers
import botocore.session
import botocore.validate

MODEL = botocore.session.Session().get_service_model('iam')
NAMED = {
    'SerialNumber': 'arn:aws:iam::123456789012:mfa/laptop',
    'Base32StringSeed': base64.b64encode(b'A' * 64).decode(),
    'AccessKeyId': 'AKIAIOSFODNN7EXAMPLE',
    'SecretAccessKey': 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'Status': 'Active',
    'IsTruncated': 'false',
    'Marker': None,
}
BY_TYPE = {
    'boolean': 'true',
    'integer': '7',
    'timestamp': '2026-01-02T03:04:05Z',
    'blob': base64.b64encode(b'a blob').decode(),
}


def errors(operation):
    """The codes that a retry does not hide, each with its status."""
    told = ((shape.name, shape.metadata.get('error', {})) for shape in operation.error_shapes)
    found = [(error.get('code', name), error.get('httpStatusCode', 400)) for name, error in told]
    return [(code, status) for code, status in found if status < 500]


def unflattened(form, members):
    """The parameters as botocore has them: lists of `NAME.member.1` and so on, and numbers."""
    params = {}
    for name, value in form.items():
        name, _, place = name.partition('.member.')
        if place:
            params.setdefault(name, []).append(value)
        else:
            is_number = name in members and members[name].type_name == 'integer' and value.isdecimal()
            params[name] = int(value) if is_number else value
    return params


def faults(operation, form):
    """What is wrong with a call."""
    shape = operation.input_shape
    members = shape.members if shape else {}
    form = unflattened(form, members)
    for name, value in form.items():
        if name not in members:
            yield f'{name} is no parameter'
        elif members[name].type_name == 'list':
            if set(value) - set(members[name].member.enum or value):
                yield f'{name} has none of its values'
        elif members[name].type_name == 'integer':
            pass
        elif members[name].type_name != 'string':
            yield f'{name} is a {members[name].type_name}'
        elif not re.fullmatch(members[name].metadata.get('pattern', '(?s:.*)'), value):
            yield f'{name} does not match its pattern'
        elif value not in (members[name].enum or [value]):
            yield f'{name} is none of its values'
    if shape and all(name in members for name in form):
        report = botocore.validate.ParamValidator().validate(form, shape)
        if report.has_errors():
            yield report.generate_report()


def xml(shape, name):
    """An element with everything that its shape has."""
    if name in NAMED:
        content = NAMED[name]
    elif shape.type_name == 'structure':
        content = ''.join(xml(member, key) or '' for key, member in shape.members.items())
    elif shape.type_name == 'list':
        content = xml(shape.member, 'member')
    elif shape.type_name == 'map':
        entries = ((xml(shape.key, 'key'), key) for key in shape.key.enum or [None])
        entries = ((f'<key>{key}</key>' if key else text, xml(shape.value, 'value')) for text, key in entries)
        content = ''.join(f'<entry>{key}{value}</entry>' for key, value in entries)
    else:
        content = escape(BY_TYPE.get(shape.type_name, f'<{shape.name}+é>'))
    return None if content is None else f'<{name}>{content}</{name}>'


def answer(operation):
    name = operation.name
    result = xml(operation.output_shape, f'{name}Result') if operation.output_shape else ''
    metadata = '<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>'
    body = f'<{name}Response xmlns="{MODEL.metadata["xmlNamespace"]}">{result}{metadata}</{name}Response>'.encode()
    # botocore takes it too.
    parser = botocore.parsers.create_parser('query')
    parser.parse({'status_code': 200, 'headers': {}, 'body': body}, operation.output_shape)
    return body


def refusal(code):
    error = f'<Error><Type>Sender</Type><Code>{code}</Code><Message>the text of {code}</Message></Error>'
    return f'<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>'.encode()


class Handler(BaseHTTPRequestHandler):
    calls = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True))
        action, version = form.pop('Action'), form.pop('Version')
        status, reply, told = self.reply(action, version, form)
        print(action, told, flush=True)
        self.send_response(status)
        self.send_header('Content-Type', 'text/xml')
        self.send_header('Content-Length', str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def reply(self, action, version, form):
        if action not in MODEL.operation_names or version != MODEL.api_version:
            return 400, refusal('InvalidAction'), f'of version {version} is unknown'
        operation = MODEL.operation_model(action)
        wrong = list(faults(operation, form))
        if wrong:
            return 400, refusal('ValidationError'), '; '.join(wrong)
        count = self.calls[action] = self.calls.get(action, 0) + 1
        if count == 1:
            return 200, answer(operation), 'ok'
        code, status = errors(operation)[count - 2]
        return status, refusal(code), code

    def log_message(self, *_):
        pass


server = HTTPServer(('127.0.0.1', 0), Handler)
codes = {name: [code for code, _ in errors(MODEL.operation_model(name))] for name in MODEL.operation_names}
print(json.dumps({'port': server.server_port, 'errors': codes}), flush=True)
server.serve_forever()
